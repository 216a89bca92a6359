package lab

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Key is an SSH key pair, of a user or of a host.
type Key struct {
	// Private is in OpenSSH's format, without a passphrase, as a
	// kubernetes.io/ssh-auth Secret holds it.
	Private []byte
	// Public is "type base64", without a comment.
	Public string
}

// NewKey makes a key pair with a comment.
func NewKey(comment string) (Key, error) {
	return newKey(func(private ed25519.PrivateKey) (*pem.Block, error) {
		return ssh.MarshalPrivateKey(private, comment)
	})
}

// NewEncryptedKey makes a key pair whose private part asks for a passphrase.
func NewEncryptedKey(comment, passphrase string) (Key, error) {
	return newKey(func(private ed25519.PrivateKey) (*pem.Block, error) {
		return ssh.MarshalPrivateKeyWithPassphrase(private, comment, []byte(passphrase))
	})
}

func newKey(marshal func(ed25519.PrivateKey) (*pem.Block, error)) (Key, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, err
	}
	block, err := marshal(private)
	if err != nil {
		return Key{}, fmt.Errorf("write an SSH key: %w", err)
	}
	line, err := ssh.NewPublicKey(public)
	if err != nil {
		return Key{}, fmt.Errorf("write an SSH key: %w", err)
	}
	return Key{
		Private: pem.EncodeToMemory(block),
		Public:  strings.TrimSpace(string(ssh.MarshalAuthorizedKey(line))),
	}, nil
}
