package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// Files of the API server in its directory of certificates; their names are
// envtest's, which makes none where they are there. The account key signs the
// tokens of ServiceAccounts, and is public and private key in one.
const (
	servingCertificate = "apiserver.crt"
	servingKey         = "apiserver.key"
	accountPublicKey   = "sa-signer.crt"
	accountKey         = "sa-signer.key"
	authorityFile      = "authority.crt"
)

// makeCertificates writes what the API server shows at these addresses, and
// returns the authority that vouches for it. What is there is kept.
//
// envtest's own certificates know no address but the one that the server listens
// on; Pods come by that of the Service "kubernetes".
func makeCertificates(directory string, addresses ...netip.Addr) ([]byte, error) {
	if authority, err := os.ReadFile(filepath.Join(directory, authorityFile)); err == nil {
		return authority, nil
	}
	var ips []net.IP
	for _, address := range addresses {
		ips = append(ips, address.AsSlice())
	}
	chain, key, err := cert.GenerateSelfSignedCertKey("localhost", ips, nil)
	if err != nil {
		return nil, fmt.Errorf("make certificates: %w", err)
	}
	_, authority := pem.Decode(chain) // what follows the server's own
	account, err := newAccountKey()
	if err != nil {
		return nil, fmt.Errorf("make the key of ServiceAccounts: %w", err)
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, err
	}
	for name, content := range map[string][]byte{
		servingCertificate: chain, servingKey: key, accountPublicKey: account, accountKey: account, authorityFile: authority,
	} {
		if err := os.WriteFile(filepath.Join(directory, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	return authority, nil
}

func newAccountKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return keyutil.MarshalPrivateKeyToPEM(key)
}
