package ansible

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Access is how the hosts of a run are entered. It holds a secret: it is
// never logged or printed as a whole.
type Access struct {
	// PrivateKey in PEM form; not a JSON or log field anywhere.
	PrivateKey PrivateKey
	// KnownHosts are the lines of an OpenSSH known_hosts file.
	KnownHosts KnownHosts
	// Jump is the SSH server on the way, if any.
	Jump *Jump
	// Become says whether sudo is used after login.
	Become bool
	// ConnectTimeoutSeconds bounds the opening of one connection.
	ConnectTimeoutSeconds int
}

// Jump is an SSH server on the way to the hosts.
type Jump struct {
	Address string
	Port    uint16
	User    string
}

// PrivateKey is the text of a private key that was parsed once and has no passphrase.
type PrivateKey struct{ pem []byte }

// String keeps the key out of logs and errors.
func (PrivateKey) String() string { return "(private key)" }

// GoString keeps the key out of %#v.
func (PrivateKey) GoString() string { return "(private key)" }

// KnownHosts are known_hosts lines that were parsed and written anew.
type KnownHosts struct{ text string }

// Empty reports whether no host is known.
func (k KnownHosts) Empty() bool { return k.text == "" }

// Join returns the lines of both.
func (k KnownHosts) Join(other KnownHosts) KnownHosts {
	return KnownHosts{text: k.text + other.text}
}

// String is the text of the known_hosts file.
func (k KnownHosts) String() string { return k.text }

// Errors of ParsePrivateKey. None of them quotes the key.
var (
	ErrPrivateKeyMalformed = errors.New("it is not a private key in PEM or OpenSSH form; create one with: ssh-keygen -t ed25519 -N ''")
	ErrPrivateKeyEncrypted = errors.New("the private key has a passphrase, which nobody could type; remove it with: ssh-keygen -p -N ''")
)

// ParsePrivateKey accepts what ssh(1) would: PEM or OpenSSH form, any line
// ends. It returns ErrPrivateKeyMalformed or ErrPrivateKeyEncrypted.
func ParsePrivateKey(text []byte) (PrivateKey, error) {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	text = append(bytes.TrimSpace(text), '\n') // ssh refuses a key whose last line does not end
	_, err := ssh.ParseRawPrivateKey(text)
	var passphrase *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &passphrase):
		return PrivateKey{}, ErrPrivateKeyEncrypted
	case err != nil: // its text could quote the key
		return PrivateKey{}, ErrPrivateKeyMalformed
	}
	return PrivateKey{pem: text}, nil
}

// ParseKnownHosts reads known_hosts text line by line and writes it anew, so
// that nothing but host patterns and keys reaches ssh.
func ParseKnownHosts(text string) (KnownHosts, error) {
	var out strings.Builder
	for number, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		marker, hosts, key, _, _, err := ssh.ParseKnownHosts([]byte(line))
		if errors.Is(err, io.EOF) || err != nil {
			return KnownHosts{}, fmt.Errorf("line %d is not a known_hosts line (hosts, key type, key), which ssh-keyscan prints", number+1)
		}
		for _, host := range hosts {
			if strings.ContainsFunc(host, notInHostPattern) {
				return KnownHosts{}, fmt.Errorf("line %d has a host pattern with characters that no host has", number+1)
			}
		}
		if marker != "" {
			out.WriteString("@" + marker + " ")
		}
		out.WriteString(strings.Join(hosts, ",") + " ")
		out.Write(ssh.MarshalAuthorizedKey(key))
	}
	return KnownHosts{text: out.String()}, nil
}

func notInHostPattern(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune(".:-_*?![]|/+=", r)
}

// fingerprintLength in bytes; it is part of a socket's path, which must be short.
const fingerprintLength = 12

// fingerprint names the way in without telling it. A kept connection is used
// only by runs with the same fingerprint, so that a changed key takes effect.
func (a Access) fingerprint() string {
	hash := sha256.New()
	hash.Write(a.PrivateKey.pem)
	rest, err := json.Marshal(struct {
		KnownHosts string
		Jump       *Jump
	}{a.KnownHosts.text, a.Jump})
	if err != nil {
		panic("an access holds only strings and numbers: " + err.Error())
	}
	hash.Write(rest)
	return hex.EncodeToString(hash.Sum(nil))[:fingerprintLength]
}

// Same reports whether two accesses are the same way in.
func (a Access) Same(b Access) bool {
	return a.fingerprint() == b.fingerprint() && a.Become == b.Become
}
