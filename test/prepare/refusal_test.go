package prepare_test

import (
	"os"
	"strings"
	"testing"
)

// TestWrongVariablesAreRefused is about those that would do harm, or that no
// type and no program would refuse.
func TestWrongVariablesAreRefused(t *testing.T) {
	const frr = `{"prepare_frr": {"asn": 64500, "router_id": "192.0.2.1", "load_balancer_ranges": [RANGES], "cluster": {"asn": 64501, "ranges": ["192.0.2.0/24"], "password": "PASSWORD"}}}`
	for name, test := range map[string]struct{ variables, complaint string }{
		"root":               {`{"prepare_user": "root"}`, "an account for the operator alone"},
		"a rule of sudo":     {`{"prepare_user": "nftop ALL=(ALL) ALL\nnftop"}`, "an account for the operator alone"},
		"no key":             {`{"prepare_authorized_keys": []}`, "is to hold public keys"},
		"a private key":      {`{"prepare_authorized_keys": ["-----BEGIN OPENSSH PRIVATE KEY-----"]}`, "is to hold public keys"},
		"an option of a key": {`{"prepare_authorized_keys": ["command=\"x\" ssh-ed25519 AAAA"]}`, "is to hold public keys"},
		"two lines":          {`{"prepare_authorized_keys": ["ssh-ed25519 AAAA x\nssh-ed25519 BBBB"]}`, "is to hold public keys"},
		"a host name":        {`{"prepare_key_sources": ["operator.example"]}`, "are addresses or ranges"},
		"one address":        {strings.NewReplacer("RANGES", `"203.0.113.10/32"`, "PASSWORD", "secret").Replace(frr), "hold more than one address"},
		"one address of v6":  {strings.NewReplacer("RANGES", `"2001:db8::1/128"`, "PASSWORD", "secret").Replace(frr), "hold more than one address"},
		"a line of FRR":      {strings.NewReplacer("RANGES", `"203.0.113.0/24\nexit"`, "PASSWORD", "secret").Replace(frr), "addresses are without a length"},
		"a second word":      {strings.NewReplacer("RANGES", `"203.0.113.0/24"`, "PASSWORD", "secret of two").Replace(frr), "no blanks"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			output, err := play(t, "plain", folder, test.variables)
			if err == nil || !strings.Contains(output, test.complaint) {
				t.Errorf("want a complaint with %q, got %v:\n%s", test.complaint, err, output)
			}
			if strings.Contains(output, "secret") {
				t.Errorf("a password is shown:\n%s", output)
			}
			if written, err := os.ReadDir(folder); err != nil || len(written) > 0 {
				t.Errorf("something was written: %v, %v", written, err)
			}
		})
	}
}
