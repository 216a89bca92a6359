package role_test

import (
	"slices"
	"strings"
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
		tells        string
	}{
		{"a Service's element deleted", "elements", nftBy("delete element inet nft_operator services4 { 203.0.113.10 . tcp . 443 }"), "services4 lost 1 element: 203.0.113.10 . tcp . 443"},
		{"an element added", "elements", nftBy("add element inet nft_operator services4 { 203.0.113.99 . tcp . 22 }"), "services4 got 1 element: 203.0.113.99 . tcp . 22"},
		{"a Service's ranges passed by", "elements", nftBy("delete element inet nft_operator limited4 { 203.0.113.11 . tcp . 8443 }"), "limited4 lost 1 element: 203.0.113.11 . tcp . 8443"},
		{"an element with another comment", "elements", nftBy("delete element inet nft_operator services4 { 203.0.113.11 . tcp . 8443 }; " +
			`add element inet nft_operator services4 { 203.0.113.11 . tcp . 8443 comment "shop/other" }`), "services4 lost 1 element: 203.0.113.11 . tcp . 8443"},
		{"a source range widened", "elements", nftBy("add element inet nft_operator sources4 { 203.0.113.11 . tcp . 8443 . 192.0.2.0/24 }"), "sources4 got 1 element: 203.0.113.11 . tcp . 8443 . 192.0.2.0/24"},
		{"a set emptied", "elements", nftBy("flush set inet nft_operator services6"), "services6 lost 1 element"},
		{"a public interface taken out", "elements", nftBy("flush set inet nft_operator public_interfaces"), "public_interfaces lost 1 element: \"eth0\""},
		{"a rule added", "rules", nftBy("insert rule inet nft_operator input accept"), "chain input was changed"},
		{"a chain emptied", "rules", nftBy("flush chain inet nft_operator input"), "chain input was changed"},
		{"a chain added", "rules", nftBy("add chain inet nft_operator another { type filter hook forward priority -300; }"), "chain another was added"},
		{"a chain's policy changed", "rules", nftBy("chain inet nft_operator forward { policy drop; }"), "chain forward was changed"},
		{"a set added", "rules", nftBy("add set inet nft_operator another { type ipv4_addr; }"), "set another was added"},
		{"the table put to sleep", "rules", nftBy("add table inet nft_operator { flags dormant; }"), "table nft_operator was changed"},
		{"our table deleted", "created", nftBy("delete table inet nft_operator"), "table inet nft_operator was gone"},
		{"everything flushed", "created", nftBy("flush ruleset"), "table inet nft_operator was gone"},
		{"nftables.conf edited", "files", []string{"sed", "-i", "s/443/22/", conf}, "/etc/nftables.conf was edited"},
		{"nftables.conf removed", "files", []string{"rm", conf}, "/etc/nftables.conf was deleted"},
		{"the accepted local chain removed", "files", []string{"rm", acceptedChain}, "/etc/nft-operator/local-chain.nft was deleted"},
		{"the confirmed ruleset edited", "files", []string{"sed", "-i", "s/443/22/", bootFile}, bootFile + " was edited"},
		{"the boot unit removed", "files", []string{"rm", bootUnit}, bootUnit + " was deleted"},
		{"the accepted local chain edited", "files", []string{"sed", "-i", "s/^}/accept\\n}/", acceptedChain}, "/etc/nft-operator/local-chain.nft was edited"},
	} {
		t.Run(damage.name, func(t *testing.T) {
			h.exec(t, damage.command...)
			got := h.apply(t, vars).Result
			if !got.Changed || got.Action != damage.action {
				t.Errorf("want action %s: %+v", damage.action, got)
			}
			if !slices.Contains(got.Drift, damage.tells) && !strings.Contains(strings.Join(got.Drift, "\n"), damage.tells+":") {
				t.Errorf("want %q to be told: %q", damage.tells, got.Drift)
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
	if got := h.apply(t, vars).Result; got.Changed || len(got.Drift) > 0 {
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
