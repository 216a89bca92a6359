package ansible

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func newKeyPair(t testing.TB) (private []byte, public string) {
	t.Helper()
	publicKey, privateKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(privateKey, "")
	if err != nil {
		t.Fatal(err)
	}
	sshKey, err := ssh.NewPublicKey(publicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(sshKey)))
}

func lockedKey(t *testing.T) []byte {
	t.Helper()
	_, privateKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(privateKey, "", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

func TestParsePrivateKey(t *testing.T) {
	good, _ := newKeyPair(t)
	for name, test := range map[string]struct {
		text []byte
		want error
	}{
		"as ssh-keygen writes it":  {good, nil},
		"with Windows line ends":   {bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")), nil},
		"without a last line end":  {bytes.TrimSpace(good), nil},
		"with a passphrase":        {lockedKey(t), ErrPrivateKeyEncrypted},
		"cut off":                  {good[:len(good)/2], ErrPrivateKeyMalformed},
		"a public key":             {[]byte("ssh-ed25519 AAAA"), ErrPrivateKeyMalformed},
		"nothing":                  {nil, ErrPrivateKeyMalformed},
		"a certificate by mistake": {[]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), ErrPrivateKeyMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParsePrivateKey(test.text); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestPrivateKeyIsNeverPrinted(t *testing.T) {
	text, _ := newKeyPair(t)
	key, err := ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	access := Access{PrivateKey: key}
	secret := strings.Split(string(text), "\n")[1]
	for _, format := range []string{"%v", "%+v", "%s", "%#v", "%q"} {
		if printed := fmt.Sprintf(format, access); strings.Contains(printed, secret) || strings.Contains(printed, "PRIVATE KEY--") {
			t.Errorf("%s prints the key", format)
		}
	}
}

func TestParseKnownHosts(t *testing.T) {
	_, public := newKeyPair(t)
	for name, test := range map[string]struct {
		text, want string
		fails      bool
	}{
		"one host":                 {"192.0.2.1 " + public, "192.0.2.1 " + public + "\n", false},
		"port, IPv6, comment":      {"# gw1\n[2001:db8::1]:2222,gw1.example.org " + public + " root@gw1\n", "[2001:db8::1]:2222,gw1.example.org " + public + "\n", false},
		"hashed":                   {"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= " + public, "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= " + public + "\n", false},
		"certificate authority":    {"@cert-authority *.example.org " + public, "@cert-authority *.example.org " + public + "\n", false},
		"nothing":                  {"\n# nobody\n", "", false},
		"no key":                   {"192.0.2.1", "", true},
		"not base64":               {"192.0.2.1 ssh-ed25519 {{ lookup('pipe','id') }}", "", true},
		"quote in a host pattern":  {"\"192.0.2.1\" " + public, "", true},
		"an option in disguise":    {"192.0.2.1,$(id) " + public, "", true},
		"a private key by mistake": {"-----BEGIN OPENSSH PRIVATE KEY-----", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			known, err := ParseKnownHosts(test.text)
			if (err != nil) != test.fails {
				t.Fatalf("error is %v, want one: %v", err, test.fails)
			}
			if known.String() != test.want {
				t.Errorf("got %q, want %q", known, test.want)
			}
		})
	}
}

func TestAccessFingerprintFollowsKeyHostsAndJump(t *testing.T) {
	key1, public := newKeyPair(t)
	key2, _ := newKeyPair(t)
	access := func(pem []byte, hosts string, jump *Jump) Access {
		key, err := ParsePrivateKey(pem)
		if err != nil {
			t.Fatal(err)
		}
		known, err := ParseKnownHosts(hosts)
		if err != nil {
			t.Fatal(err)
		}
		return Access{PrivateKey: key, KnownHosts: known, Jump: jump}
	}
	base := access(key1, "192.0.2.1 "+public, nil)
	if !base.Same(access(key1, "192.0.2.1 "+public, nil)) {
		t.Error("the same way in has two fingerprints")
	}
	for name, other := range map[string]Access{
		"another key":     access(key2, "192.0.2.1 "+public, nil),
		"other host keys": access(key1, "192.0.2.2 "+public, nil),
		"a jump host":     access(key1, "192.0.2.1 "+public, &Jump{Address: "192.0.2.9", Port: 22, User: "root"}),
		"become or not":   {PrivateKey: base.PrivateKey, KnownHosts: base.KnownHosts, Become: true},
	} {
		if base.Same(other) {
			t.Errorf("%s counts as the same way in", name)
		}
	}
}
