package role_test

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
)

func TestFirstApplyThenNothingToDo(t *testing.T) {
	h := newHost(t)
	stock := h.file(t, conf)

	first := h.apply(t, edge(web, web6, api))
	if got := first.Result; !got.Changed || got.Action != "created" || len(got.Revision) != 64 || got.LocalChain.State != "Created" || got.Backup != backup {
		t.Errorf("first run: %+v", got)
	}
	if got := first.Result.Versions; got.Nft == "" || got.Kernel == "" || got.Python == "" || got.OS == "" {
		t.Errorf("versions: %+v", got)
	}
	if h.file(t, backup) != stock {
		t.Error("the nftables.conf that was there before is not in the backup")
	}
	h.assertConverged(t)

	before := h.footprint(t)
	second := h.apply(t, edge(web, web6, api))
	if got := second.Result; got.Changed || got.Action != "none" || got.LocalChain.State != "Accepted" || got.Backup != "" {
		t.Errorf("second run: %+v", got)
	}
	if after := h.footprint(t); after != before {
		t.Errorf("the second run left something:\n%s", difference(t, before, after))
	}
	if !strings.Contains(second.Output, "changed=0") {
		t.Errorf("Ansible's recap:\n%s", second.Output)
	}
}

func TestAChangedServiceKeepsTheCountersOfOthers(t *testing.T) {
	h := newHost(t)
	h.apply(t, edge(web, dns))
	// Nobody listens there; the gateway counts the packet all the same.
	_ = h.topology.Client.Knock(lab.TCP, netip.Addr{}, netip.MustParseAddrPort("203.0.113.10:443"), time.Second)
	counted := h.count(t, "203.0.113.10")
	if counted == 0 {
		t.Fatal("no packet of the client was counted")
	}

	got := h.apply(t, edge(web, api)).Result
	if !got.Changed || got.Action != "elements" || got.Elements.Deleted == 0 || got.Elements.Added == 0 {
		t.Errorf("%+v", got)
	}
	if now := h.count(t, "203.0.113.10"); now != counted {
		t.Errorf("%v packets were counted before, now %v", counted, now)
	}
	h.assertConverged(t)
}

func TestAnotherStructureKeepsEveryCounter(t *testing.T) {
	h := newHost(t)
	h.apply(t, edge(web))
	_ = h.topology.Client.Knock(lab.TCP, netip.Addr{}, netip.MustParseAddrPort("203.0.113.10:443"), time.Second)
	_ = h.topology.Client.Knock(lab.TCP, netip.Addr{}, netip.MustParseAddrPort("203.0.113.10:444"), time.Second)
	counted, dropped := h.count(t, "203.0.113.10"), h.dropped(t)
	if counted == 0 || dropped == 0 {
		t.Fatalf("counted %v, dropped %v packets of the client", counted, dropped)
	}
	for _, change := range []func(*ansible.FirewallVars){
		func(f *ansible.FirewallVars) { f.EstablishedConnections = "terminate" },
		func(f *ansible.FirewallVars) { f.DefaultAction = "accept" },
		func(f *ansible.FirewallVars) { f.EchoPerSecond = 7 },
	} {
		vars := edge(web)
		change(&vars.Firewall)
		if got := h.apply(t, vars).Result; got.Action != "rules" {
			t.Errorf("%+v: %+v", vars.Firewall, got)
		}
		if now := h.count(t, "203.0.113.10"); now != counted {
			t.Errorf("%v packets were counted before, now %v", counted, now)
		}
		if now := h.dropped(t); now != dropped {
			t.Errorf("%v packets were dropped before, now %v", dropped, now)
		}
		h.assertConverged(t)
	}
}

// TestAReplacedTableTakesItsCountersOver is about an nft that does not take the
// script that leaves sets in place.
func TestAReplacedTableTakesItsCountersOver(t *testing.T) {
	h := newHost(t)
	h.apply(t, edge(web))
	_ = h.topology.Client.Knock(lab.TCP, netip.Addr{}, netip.MustParseAddrPort("203.0.113.10:443"), time.Second)
	_ = h.topology.Client.Knock(lab.TCP, netip.Addr{}, netip.MustParseAddrPort("203.0.113.10:444"), time.Second)
	counted, dropped := h.count(t, "203.0.113.10"), h.dropped(t)
	h.fakeNft(t, `case "$*" in *--check*) text=$(cat); case "$text" in "flush table"*) echo 'not this one' >&2; exit 1;; esac; echo "$text" | "$real" "$@"; exit;; esac`)
	vars := edge(web, api)
	vars.Firewall.EchoPerSecond = 7
	if got := h.apply(t, vars).Result; got.Action != "replaced" {
		t.Errorf("%+v", got)
	}
	if now := h.count(t, "203.0.113.10"); now != counted || now == 0 {
		t.Errorf("%v packets were counted before, now %v", counted, now)
	}
	if now := h.dropped(t); now != dropped || now == 0 {
		t.Errorf("%v packets were dropped before, now %v", dropped, now)
	}
	h.assertConverged(t)
}

func TestOtherSourceRangesKeepTheServicesCounter(t *testing.T) {
	h := newHost(t)
	h.apply(t, edge(web))
	_ = h.topology.Client.Knock(lab.TCP, netip.Addr{}, netip.MustParseAddrPort("203.0.113.10:443"), time.Second)
	counted := h.count(t, "203.0.113.10")
	for _, sources := range [][]string{{"198.51.100.0/25"}, {"192.0.2.0/24", "198.51.100.7"}, nil} {
		limited := web
		limited.Sources = sources
		if got := h.apply(t, edge(limited)).Result; got.Action != "elements" {
			t.Errorf("%v: %+v", sources, got)
		}
		if now := h.count(t, "203.0.113.10"); now != counted || now == 0 {
			t.Errorf("%v: %v packets were counted before, now %v", sources, counted, now)
		}
	}
}

func TestTablesOfOthersStayAsTheyAre(t *testing.T) {
	h := newHost(t)
	h.nft(t, `table ip theirs {
	set blocked { type ipv4_addr; counter; elements = { 198.51.100.66 counter packets 5 bytes 300 } }
	chain nat { type nat hook postrouting priority srcnat; oifname "eth9" counter packets 3 bytes 180 masquerade; }
}
table inet filter { chain forward { type filter hook forward priority 10; ct state invalid counter drop; }; }
`)
	others := func() string {
		return h.exec(t, "nft", "--handle", "list", "table", "ip", "theirs") + h.exec(t, "nft", "--handle", "list", "table", "inet", "filter")
	}
	before := others()
	terminate := edge(web)
	terminate.Firewall.EstablishedConnections = "terminate"
	for _, vars := range []ansible.Vars{edge(web), edge(web, api), terminate} { // created, elements, rules
		h.apply(t, vars)
		if after := others(); after != before {
			t.Fatalf("tables of others changed:\n%s", difference(t, before, after))
		}
	}
}

func TestACheckChangesNothingAndShowsTheDifference(t *testing.T) {
	h := newHost(t)
	for _, step := range []struct {
		name       string
		vars       ansible.Vars
		shows, not []string
	}{
		{"on a fresh host", edge(web), []string{`\+.*203.0.113.10 . tcp . 443.*comment "shop/web"`, `\+# Written by nft-operator`}, nil},
		{"one Service for another", edge(api), []string{
			`(?m)^-.*203.0.113.10 . tcp . 443.*comment "shop/web"`, `(?m)^\+.*203.0.113.11 . tcp . 8443.*comment "shop/api"`,
		}, []string{`(?m)^[-+].*chain`}},
		{"nothing", edge(web), nil, []string{`(?m)^[-+]`}},
	} {
		t.Run(step.name, func(t *testing.T) {
			before := h.footprint(t)
			got := h.play(t, step.vars, run{dry: true})
			if got.Status != "ok" || got.Result.Changed != (step.shows != nil) {
				t.Errorf("%s %+v", got.Status, got.Result)
			}
			if after := h.footprint(t); after != before {
				t.Errorf("the check left something:\n%s", difference(t, before, after))
			}
			for _, pattern := range step.shows {
				if !regexp.MustCompile(pattern).MatchString(got.Output) {
					t.Errorf("no %s in:\n%s", pattern, got.Output)
				}
			}
			for _, pattern := range step.not {
				if regexp.MustCompile(pattern).MatchString(got.Output) {
					t.Errorf("%s in:\n%s", pattern, got.Output)
				}
			}
		})
		h.apply(t, edge(web))
	}
}
