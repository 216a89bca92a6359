package ansible

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Digest is the hash of what all hosts of a gateway have in common.
type Digest [sha256.Size]byte

// Digest of the extra-vars. Equal intents give equal digests, because plans are sorted.
func (v Vars) Digest() Digest {
	text, err := json.Marshal(v)
	if err != nil {
		panic("extra-vars hold only strings, numbers and lists of them: " + err.Error())
	}
	return sha256.Sum256(text)
}

// StructureDigest is the hash of the extra-vars without the openings: what a
// change of Services leaves as it is.
func (v Vars) StructureDigest() Digest {
	v.Exposures = ExposureVars{}
	return v.Digest()
}

// templateFile is what makes rules of the extra-vars, in the project's folder.
const templateFile = "templates/nftables.conf.j2"

// ReadTemplate is the hash of the project's template. Another one makes other
// rules of the same extra-vars, as when the operator is upgraded.
func ReadTemplate(projectDir string) (Digest, error) {
	text, err := os.ReadFile(filepath.Join(projectDir, templateFile))
	if err != nil {
		return Digest{}, fmt.Errorf("the template of the ruleset, which lies beside watches.yaml: %w", err)
	}
	return sha256.Sum256(text), nil
}

// From is the digest of what a template makes of the extra-vars.
func (d Digest) From(template Digest) Digest {
	return sha256.Sum256(append(d[:], template[:]...))
}

// Revision names what one host is to enforce: 64 hexadecimal digits, a hash of
// a digest of the gateway's and of what is the host's own. Of the Digest it is
// the Target's Revision, of the StructureDigest its Structure.
func Revision(gateway Digest, host Target) string {
	text, err := json.Marshal(struct {
		Gateway    []byte
		Interfaces []string
		SSHPort    uint16
	}{gateway[:], host.PublicInterfaces, host.SSHDPort})
	if err != nil {
		panic("a target's revision holds only strings and numbers: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
