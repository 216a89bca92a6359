package role_test

import (
	"testing"
)

// TestWhatAHandChangedIsRepaired damages a converged host in one way after the
// other.
func TestWhatAHandChangedIsRepaired(t *testing.T) {
	h := newHost(t)
	vars := edge(web, web6, api)
	h.apply(t, vars)
	intended, file := h.ours(t), h.file(t, conf)

	for _, damage := range []struct {
		name, action string
		command      []string
	}{
		{"a Service's element deleted", "elements", nftBy("delete element inet nft_operator services4 { 203.0.113.10 . tcp . 443 }")},
		{"an element added", "elements", nftBy("add element inet nft_operator services4 { 203.0.113.99 . tcp . 22 }")},
		{"a Service's ranges passed by", "elements", nftBy("delete element inet nft_operator limited4 { 203.0.113.11 . tcp . 8443 }")},
		{"an element with another comment", "elements", nftBy("delete element inet nft_operator services4 { 203.0.113.11 . tcp . 8443 }; " +
			`add element inet nft_operator services4 { 203.0.113.11 . tcp . 8443 comment "shop/other" }`)},
		{"a source range widened", "elements", nftBy("add element inet nft_operator sources4 { 203.0.113.11 . tcp . 8443 . 192.0.2.0/24 }")},
		{"a set emptied", "elements", nftBy("flush set inet nft_operator services6")},
		{"a public interface taken out", "elements", nftBy("flush set inet nft_operator public_interfaces")},
		{"a rule added", "rules", nftBy("insert rule inet nft_operator input accept")},
		{"a chain emptied", "rules", nftBy("flush chain inet nft_operator input")},
		{"a chain added", "rules", nftBy("add chain inet nft_operator another { type filter hook forward priority -300; }")},
		{"a chain's policy changed", "rules", nftBy("chain inet nft_operator forward { policy drop; }")},
		{"a set added", "rules", nftBy("add set inet nft_operator another { type ipv4_addr; }")},
		{"the table put to sleep", "rules", nftBy("add table inet nft_operator { flags dormant; }")},
		{"our table deleted", "created", nftBy("delete table inet nft_operator")},
		{"everything flushed", "created", nftBy("flush ruleset")},
		{"nftables.conf edited", "files", []string{"sed", "-i", "s/443/22/", conf}},
		{"nftables.conf removed", "files", []string{"rm", conf}},
		{"the accepted local chain removed", "files", []string{"rm", acceptedChain}},
		{"the accepted local chain edited", "files", []string{"sed", "-i", "s/^}/accept\\n}/", acceptedChain}},
	} {
		t.Run(damage.name, func(t *testing.T) {
			h.exec(t, damage.command...)
			got := h.apply(t, vars).Result
			if !got.Changed || got.Action != damage.action {
				t.Errorf("want action %s: %+v", damage.action, got)
			}
			if now := h.ours(t); now != intended {
				t.Errorf("not repaired:\n%s", difference(t, intended, now))
			}
			if now := h.file(t, conf); now != file {
				t.Errorf("%s is another:\n%s", conf, difference(t, file, now))
			}
			h.assertConverged(t)
		})
	}
	if got := h.apply(t, vars).Result; got.Changed {
		t.Errorf("a run after the repairs: %+v", got)
	}
}

func nftBy(script string) []string { return []string{"nft", script} }

func TestAForeignConfIsKeptOnce(t *testing.T) {
	h := newHost(t)
	h.put(t, conf, "# first\n")
	if got := h.apply(t, edge(web)).Result; got.Backup != backup {
		t.Errorf("%+v", got)
	}
	h.put(t, conf, "# second\n")
	if got := h.apply(t, edge(web)).Result; !got.Changed || got.Backup != "" {
		t.Errorf("%+v", got)
	}
	if kept := h.file(t, backup); kept != "# first\n" {
		t.Errorf("kept: %q", kept)
	}
	h.assertConverged(t)
}
