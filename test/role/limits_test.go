package role_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
)

func TestLimitsComeAndGo(t *testing.T) {
	h := newSharedHost(t)
	h.apply(t, edge(web, api, web6))
	asked := limited(edge(web, api, web6),
		ansible.ServiceLimitVars{
			Service: "shop/web", Rate: &ansible.RateVars{Unit: "bytes", Amount: 2_000_000, Period: "second", Burst: 65536}, PerPort: true,
			PerSource:       &ansible.RateVars{Unit: "bytes", Amount: 250_000, Period: "second", Burst: 65536},
			ConnectionRate:  &ansible.RateVars{Unit: "connections", Amount: 10, Period: "minute", Burst: 5},
			ConnectionLimit: 20,
		},
		rated("shop/api", 400, "day"))
	before := h.kernel(t) + h.files(t)
	dry := h.play(t, asked, run{dry: true})
	if !dry.Result.Changed || !strings.Contains(dry.Output, `+			203.0.113.10 . tcp . 443 : "rate-shop/web.tcp.443",`) {
		t.Errorf("a dry run does not show the limit:\n%s", dry.Output)
	}
	if after := h.kernel(t) + h.files(t); after != before {
		t.Errorf("a dry run changed something:\n%s", difference(t, before, after))
	}

	got := h.apply(t, asked).Result
	if !got.Changed || got.Limits.Engine != "Nftables" || len(got.Limits.Over) > 0 || got.RolledBack != nil {
		t.Errorf("%+v", got)
	}
	h.assertConverged(t)
	if again := h.apply(t, asked).Result; again.Changed || len(again.Drift) > 0 {
		t.Errorf("once more: %+v", again)
	}

	if gone := h.apply(t, edge(web, api, web6)).Result; !gone.Changed {
		t.Errorf("limits that nobody asks for any more: %+v", gone)
	}
	if left := h.kernel(t); strings.Contains(left, "nft_operator_limits") || h.has(limitsFile) {
		t.Errorf("something is left: %s", left)
	}
	h.assertConverged(t)
}

// TestAnotherRateLeavesOtherBucketsAlone empties a bucket that a day fills
// again, then changes other limits: the bucket stays empty and its count goes on.
func TestAnotherRateLeavesOtherBucketsAlone(t *testing.T) {
	h := newHost(t)
	other := open("shop/other", "203.0.113.20", 80)
	h.apply(t, limited(edge(web, other), rated("shop/other", 5, "second"), rated("shop/web", 1, "day")))
	h.knock(t) // empties it
	h.knock(t)
	over := h.overLimit(t, "shop/web", limited(edge(web, other), rated("shop/other", 5, "second"), rated("shop/web", 1, "day")))
	if over == 0 {
		t.Fatal("nothing was over the limit")
	}
	for what, vars := range map[string]ansible.Vars{
		"another rate":         limited(edge(web, other), rated("shop/other", 7, "minute"), rated("shop/web", 1, "day")),
		"one fewer":            limited(edge(web, other), rated("shop/web", 1, "day")),
		"a limit a client":     limited(edge(web, other), ansible.ServiceLimitVars{Service: "shop/other", PerSource: packetsIn(3, "second")}, rated("shop/web", 1, "day")),
		"connections":          limited(edge(web, other), ansible.ServiceLimitVars{Service: "shop/other", ConnectionLimit: 3}, rated("shop/web", 1, "day")),
		"one more Service":     limited(edge(web, other, api), rated("shop/api", 5, "second"), rated("shop/web", 1, "day")),
		"one port and address": limited(edge(web, web6, open("shop/web", "203.0.113.10", 8080)), rated("shop/web", 1, "day")),
	} {
		t.Run(what, func(t *testing.T) {
			counted := h.overLimit(t, "shop/web", vars)
			h.assertConverged(t)
			h.knock(t)
			if now := h.overLimit(t, "shop/web", vars); counted < over || now <= counted {
				t.Errorf("counted %d at first, then %d, then %d", over, counted, now)
			}
		})
	}
}

// TestLimitsNeverHoldTheGatewayBack asks for the harshest limit on an address of
// the gateway itself: its SSH goes on.
func TestLimitsNeverHoldTheGatewayBack(t *testing.T) {
	h := newHost(t)
	h.exec(t, "ip", "address", "add", "203.0.113.22/32", "dev", "lo")
	own := open("shop/own", "203.0.113.22", 22)
	for engine, vars := range map[string]ansible.Vars{
		"nft": limited(edge(own), rated("shop/own", 1, "day")),
		"tc":  shaped(edge(own, web), bytesIn("shop/own", 1), bytesIn("shop/web", 1)),
	} {
		t.Run(engine, func(t *testing.T) {
			vars.Firewall.SSHSources.IPv4 = []string{h.topology.Client.Primary.IPv4.String()}
			h.apply(t, vars)
			for range 3 {
				err := h.topology.Client.Knock(lab.TCP, h.topology.Client.Primary.IPv4, netip.MustParseAddrPort("203.0.113.22:22"), time.Second)
				if err == nil || !strings.Contains(err.Error(), "SSH-2.0") {
					t.Fatalf("no SSH server answers: %v", err)
				}
			}
		})
	}
}

func TestLimitsThatAHandChangedAreMended(t *testing.T) {
	h := newSharedHost(t)
	vars := limited(edge(web, api), rated("shop/api", 400, "second"), rated("shop/web", 10, "second"))
	h.apply(t, vars)
	for _, test := range []struct{ hand, told string }{
		{"nft delete table inet nft_operator_limits", "table inet nft_operator_limits was gone"},
		{"nft flush map inet nft_operator_limits rates4", "table inet nft_operator_limits was changed"},
		{"nft flush chain inet nft_operator_limits rates", "table inet nft_operator_limits was changed"},
		{"nft insert rule inet nft_operator_limits rates accept", "table inet nft_operator_limits was changed"},
		{"rm " + limitsFile, limitsFile + " was deleted"},
		{"sed -i s/400/500/ " + limitsFile, limitsFile + " was edited"},
		{"sed -i '/limits.nf/d' " + conf, conf + " was edited"},
	} {
		t.Run(test.hand, func(t *testing.T) {
			h.exec(t, "sh", "-ec", test.hand)
			if got := h.apply(t, vars).Result; !got.Changed || !strings.Contains(strings.Join(got.Drift, "\n"), test.told) {
				t.Errorf("%+v", got)
			}
			h.assertConverged(t)
			if got := h.apply(t, vars).Result; got.Changed || len(got.Drift) > 0 {
				t.Errorf("once more: %+v", got)
			}
		})
	}
}

// TestLimitsThatAHostCannotKeep has an nft that does not know how to count
// connections.
func TestLimitsThatAHostCannotKeep(t *testing.T) {
	h := newSharedHost(t)
	h.apply(t, edge(web))
	h.fakeNft(t, `case "$*" in *--file*-*) text=$(cat); case "$text" in *"ct count"*) echo "Error: syntax error, unexpected count" >&2; exit 1;; esac
		printf '%s\n' "$text" | "$real" "$@"; exit $?;; esac`)
	before := h.kernel(t) + h.files(t)
	got := h.refused(t, limited(edge(web, api), ansible.ServiceLimitVars{Service: "shop/api", ConnectionLimit: 3}), run{}, ansible.ReasonLimitsUnsupported)
	if !strings.Contains(got.Result.Msg, "unexpected count") {
		t.Errorf("message: %s", got.Result.Msg)
	}
	if after := h.kernel(t) + h.files(t); after != before {
		t.Errorf("something changed:\n%s", difference(t, before, after))
	}
	h.apply(t, limited(edge(web, api), rated("shop/api", 3, "second")))
}

// TestClosingsDoNotWaitForLimits closes a Service and narrows another on a host
// that cannot keep the limits asked for, or cannot note them: nothing opens.
func TestClosingsDoNotWaitForLimits(t *testing.T) {
	other := open("shop/other", "203.0.113.20", 80)
	for _, fault := range []struct {
		name   string
		inject func(*host)
		limits func(ansible.Vars) ansible.Vars
		reason ansible.Reason
	}{
		{"nft cannot keep one", func(h *host) {
			h.fakeNft(t, `case "$*" in *--file*-*) text=$(cat); case "$text" in *"ct count"*) echo "Error: syntax error, unexpected count" >&2; exit 1;; esac
				printf '%s\n' "$text" | "$real" "$@"; exit $?;; esac`)
		}, func(vars ansible.Vars) ansible.Vars {
			return limited(vars, ansible.ServiceLimitVars{Service: "shop/api", ConnectionLimit: 3})
		}, ansible.ReasonLimitsUnsupported},
		{"the host has no such engine", func(*host) {}, func(vars ansible.Vars) ansible.Vars {
			vars = limited(vars, bytesIn("shop/api", 2_000_000))
			vars.Limits.Engine = "traffic_control"
			return vars
		}, ansible.ReasonLimitsUnsupported},
		{"what tc is told cannot be noted", func(h *host) {
			h.exec(t, "mount", "-t", "tmpfs", "-o", "size=4k", "none", "/var/lib/nft-operator")
			h.exec(t, "sh", "-c", "head -c 4096 /dev/zero > /var/lib/nft-operator/full")
		}, func(vars ansible.Vars) ansible.Vars { return shaped(vars, bytesIn("shop/api", 2_000_000)) }, ansible.ReasonWriteFailed},
	} {
		t.Run(fault.name, func(t *testing.T) {
			h := newHost(t)
			h.apply(t, edge(web, web6, api, other))
			fault.inject(h)
			narrowed := open("shop/other", "203.0.113.20", 80, "198.51.100.0/25")
			asked := fault.limits(edge(web6, api, narrowed, open("shop/new", "203.0.113.30", 80)))
			h.refused(t, asked, run{}, fault.reason)
			kernel := h.kernel(t)
			for element, there := range map[string]bool{
				"203.0.113.10 . tcp . 443":                   false, // closed
				"203.0.113.20 . tcp . 80 . 198.51.100.0/25":  true,  // narrowed
				"203.0.113.30 . tcp . 80":                    false, // not opened
				"203.0.113.11 . tcp . 8443 . 198.51.100.200": true,
				"2001:db8:1b::10 . tcp . 443":                true,
			} {
				if strings.Contains(kernel, element) != there {
					t.Errorf("%s is there: %t, want %t", element, !there, there)
				}
			}
		})
	}
}

// overLimit applies an intent and returns how many packets of a Service the host
// tells to have been over the limit.
func (h *host) overLimit(t *testing.T, service string, vars ansible.Vars) int64 {
	t.Helper()
	for _, over := range h.apply(t, vars).Result.Limits.Over {
		if over.Service == service {
			return over.Packets
		}
	}
	return 0
}
