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

// StructureDigest is the hash of the extra-vars without openings and limits: what
// a change of Services leaves as it is. Limits are no part of it though the
// gateway's own are of its spec: no limit can cut the way in.
func (v Vars) StructureDigest() Digest {
	v.Exposures, v.Limits = ExposureVars{}, LimitVars{}
	return v.Digest()
}

// Templates are the hashes of what makes rules of the extra-vars.
type Templates struct {
	// Firewall is of the table that Services are opened in.
	Firewall Digest
	// Limits is of the table that they are held to their rates in.
	Limits Digest
}

// The templates, in the project's folder.
const (
	firewallTemplate = "templates/nftables.conf.j2"
	limitsTemplate   = "templates/limits.nft.j2"
)

// ReadTemplates hashes the project's templates. Others make other rules of the
// same extra-vars, as when the operator is upgraded.
func ReadTemplates(projectDir string) (Templates, error) {
	firewall, err := readTemplate(projectDir, firewallTemplate)
	if err != nil {
		return Templates{}, err
	}
	limits, err := readTemplate(projectDir, limitsTemplate)
	return Templates{Firewall: firewall, Limits: limits}, err
}

func readTemplate(projectDir, name string) (Digest, error) {
	text, err := os.ReadFile(filepath.Join(projectDir, name))
	if err != nil {
		return Digest{}, fmt.Errorf("a template of the ruleset, which lies beside watches.yaml: %w", err)
	}
	return sha256.Sum256(text), nil
}

// Digests are that of all that the templates make of the extra-vars, and that of
// its structure.
func (t Templates) Digests(vars Vars) (all, structure Digest) {
	return vars.Digest().with(t.Firewall, t.Limits), vars.StructureDigest().with(t.Firewall)
}

// with is the digest of both.
func (d Digest) with(others ...Digest) Digest {
	text := d[:]
	for _, other := range others {
		text = append(text, other[:]...)
	}
	return sha256.Sum256(text)
}

// Revision names what one host is to enforce: 64 hexadecimal digits, a hash of
// a digest of the gateway's and of what is the host's own. Of one of all it is the
// Target's Revision, of one of the structure its Structure.
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
