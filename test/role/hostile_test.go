package role_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHostileVariablesAreData puts what Ansible, Jinja, nft or a shell could
// take for more than text into a vars.json, which is used by hand.
func TestHostileVariablesAreData(t *testing.T) {
	h := newHost(t)
	h.apply(t, edge(web))
	canary := filepath.Join(t.TempDir(), "canary")
	before := h.footprint(t)
	lookup := `{{ lookup('ansible.builtin.pipe', 'touch ` + canary + `') }}`
	for _, attack := range []struct{ name, instead, hostile string }{
		{"a lookup as a Service", "shop/web", lookup},
		{"a lookup as a gateway", "lab/edge", lookup},
		{"a lookup as an address", "203.0.113.10", lookup},
		{"a lookup as a protocol", "tcp", lookup},
		{"a lookup as a default action", "drop", lookup},
		{"a lookup as a range", "203.0.113.0/24", lookup},
		{"a statement", "shop/web", `{% set x = lookup('ansible.builtin.pipe', 'touch ` + canary + `') %}`},
		{"a name with a quote", "shop/web", `shop/web" : drop, 203.0.113.99 . tcp . 22 comment "`},
		{"a name with a new line", "shop/web", "shop/web\n\t\t}\n\t}\n\tchain input { accept }\n"},
		{"an address that ends its set", "203.0.113.10", "203.0.113.10 } ; flush ruleset"},
		{"an address of a shell", "203.0.113.10", "$(touch " + canary + ")"},
		{"a range that is a set", "203.0.113.0/24", "@services4"},
	} {
		t.Run(attack.name, func(t *testing.T) {
			vars := replaced(t, attack.instead, attack.hostile)
			h.refused(t, edge(), run{vars: vars}, "InvalidVars")
			h.assertUntouched(t, before, canary)
		})
	}
	for _, name := range []string{"eth{0}", `eth0", "lo`, "eth0\n", lookup, "../etc"} {
		t.Run("interface "+name[:4], func(t *testing.T) {
			h.refused(t, edge(), run{interfaces: []string{name}}, "InvalidVars")
			h.assertUntouched(t, before, canary)
		})
	}
}

// replaced is the vars.json of a gateway with one Service, and one text in it
// instead of another.
func replaced(t *testing.T, instead, hostile string) string {
	t.Helper()
	vars, err := json.Marshal(edge(web))
	if err != nil {
		t.Fatal(err)
	}
	was, will := text(t, instead), text(t, hostile)
	if !strings.Contains(string(vars), was) {
		t.Fatalf("no %s in %s", was, vars)
	}
	return strings.ReplaceAll(string(vars), was, will)
}

func (h *host) assertUntouched(t *testing.T, before, canary string) {
	t.Helper()
	if after := h.footprint(t); after != before {
		t.Errorf("the host changed:\n%s", difference(t, before, after))
	}
	if _, err := os.Stat(canary); !errors.Is(err, fs.ErrNotExist) {
		t.Error("what a variable holds was executed")
	}
}
