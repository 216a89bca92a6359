package role_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
)

// TestAnInterfaceHoldsWhatPassesEachWay: three packets a day pass, of both
// families together, and the gateway itself is not held back.
func TestAnInterfaceHoldsWhatPassesEachWay(t *testing.T) {
	h := newEchoHost(t)
	three := packetsIn(3, "day")
	for _, limit := range []ansible.InterfaceLimitVars{
		{Name: "eth0", Ingress: three}, {Name: "eth0", Egress: three}, {Name: "eth1", Ingress: three}, {Name: "eth1", Egress: three},
	} {
		direction := "ingress"
		if limit.Egress != nil {
			direction = "egress"
		}
		t.Run(limit.Name+" "+direction, func(t *testing.T) {
			vars := held(edge(udp, udp6), limit)
			vars.Firewall.SSHSources.IPv4 = []string{h.topology.Client.Primary.IPv4.String()}
			h.apply(t, vars)
			h.assertConverged(t)
			for i, answered := range []bool{true, true, true, false, false} {
				exposure := []ansible.ExposureVar{udp, udp6}[i%2]
				if got := h.answers(exposure); got != answered {
					t.Errorf("packet %d, to %s: answered %v", i, exposure.Address, got)
				}
			}
			for range 5 {
				err := h.topology.Client.Knock(lab.TCP, h.topology.Client.Primary.IPv4, netip.AddrPortFrom(h.Public.IPv4, 22), time.Second)
				if err == nil || !strings.Contains(err.Error(), "SSH-2.0") {
					t.Fatalf("no SSH server of the gateway answers: %v", err)
				}
			}
			over := h.apply(t, vars).Result.Limits.InterfacesOver
			if len(over) != 1 || over[0].Name != limit.Name || over[0].Direction != direction || over[0].Packets != 2 || over[0].Bytes < 2*48 {
				t.Errorf("over the limit: %+v", over)
			}
		})
	}
}

// TestAnInterfaceIsNotChargedForWhatTheFirewallDrops: a flood at closed doors
// takes nothing from those that are open.
func TestAnInterfaceIsNotChargedForWhatTheFirewallDrops(t *testing.T) {
	h := newEchoHost(t)
	vars := held(edge(udp), ansible.InterfaceLimitVars{Name: "eth0", Ingress: packetsIn(1, "day")})
	h.apply(t, vars)
	closed := udp
	closed.Port++
	for range 3 {
		h.answers(closed)
	}
	if !h.answers(udp) {
		t.Error("nothing is left for the open door")
	}
	if over := h.apply(t, vars).Result.Limits.InterfacesOver; len(over) != 0 {
		t.Errorf("over the limit: %+v", over)
	}
}

// TestAnotherRateOfAnInterfaceLeavesOtherBucketsAlone empties the buckets of an
// interface and of a Service, then changes limits of others: both stay empty, and
// their counts go on.
func TestAnotherRateOfAnInterfaceLeavesOtherBucketsAlone(t *testing.T) {
	h := newEchoHost(t)
	one, five := packetsIn(1, "day"), packetsIn(5, "second")
	emptied := ansible.InterfaceLimitVars{Name: "eth1", Ingress: one}
	vars := func(services []ansible.ServiceLimitVars, interfaces ...ansible.InterfaceLimitVars) ansible.Vars {
		return held(limited(edge(udp, web, api), append(services, rated("shop/web", 1, "day"))...), append(interfaces, emptied)...)
	}
	api := []ansible.ServiceLimitVars{rated("shop/api", 5, "second")}
	first := vars(api, ansible.InterfaceLimitVars{Name: "eth0", Ingress: five, Egress: five})
	h.apply(t, first)
	h.knock(t)
	h.knock(t)
	h.answers(udp)
	h.answers(udp)
	service, passed := h.overLimits(t, first)
	if service == 0 || passed == 0 {
		t.Fatalf("over the limit: %d of the Service, %d of the interface", service, passed)
	}
	for _, step := range []struct {
		what string
		vars ansible.Vars
	}{
		{"another rate", vars(api, ansible.InterfaceLimitVars{Name: "eth0", Ingress: packetsIn(7, "minute"), Egress: five})},
		{"one direction less", vars(api, ansible.InterfaceLimitVars{Name: "eth0", Egress: five})},
		{"of bytes", vars(api, ansible.InterfaceLimitVars{Name: "eth0", Egress: &ansible.RateVars{Unit: "bytes", Amount: 250_000, Period: "second", Burst: 65536}})},
		{"none", vars(api)},
		{"a Service's rate", vars([]ansible.ServiceLimitVars{rated("shop/api", 7, "minute")})},
		{"one again", vars(nil, ansible.InterfaceLimitVars{Name: "eth0", Ingress: five})},
	} {
		t.Run(step.what, func(t *testing.T) {
			h.apply(t, step.vars)
			h.assertConverged(t)
			h.knock(t)
			if h.answers(udp) {
				t.Error("the bucket of the interface is full again")
			}
			serviceNow, passedNow := h.overLimits(t, step.vars)
			if serviceNow <= service || passedNow <= passed {
				t.Errorf("over the limit: %d of the Service after %d, %d of the interface after %d", serviceNow, service, passedNow, passed)
			}
			service, passed = serviceNow, passedNow
		})
	}
	t.Run("without limits of Services", func(t *testing.T) {
		vars := held(edge(udp, web), emptied)
		if _, now := h.overLimits(t, vars); now < passed || h.answers(udp) {
			t.Errorf("over the limit: %d after %d", now, passed)
		}
		h.assertConverged(t)
	})
}

func TestLimitsOfInterfacesComeAndGo(t *testing.T) {
	h := newSharedHost(t)
	h.apply(t, edge(web))
	asked := held(edge(web),
		ansible.InterfaceLimitVars{Name: "eth0", Ingress: packetsIn(9000, "second")},
		ansible.InterfaceLimitVars{Name: "eth1", Egress: &ansible.RateVars{Unit: "bytes", Amount: 125_000_000, Period: "second", Burst: 6_250_000}})
	dry := h.play(t, asked, run{dry: true})
	if !dry.Result.Changed || !strings.Contains(dry.Output, `+			"eth0" : "ingress-eth0",`) {
		t.Errorf("a dry run does not show the limit:\n%s", dry.Output)
	}
	got := h.apply(t, asked).Result
	if !got.Changed || got.Action != "files" || len(got.Limits.InterfacesOver) > 0 || got.RolledBack != nil {
		t.Errorf("%+v", got)
	}
	h.assertConverged(t)
	before := h.footprint(t)
	if again := h.apply(t, asked).Result; again.Changed || len(again.Drift) > 0 {
		t.Errorf("once more: %+v", again)
	}
	if after := h.footprint(t); after != before {
		t.Errorf("the second run left something:\n%s", difference(t, before, after))
	}
	for _, hand := range []string{
		"nft flush map inet nft_operator_limits egress_rates",
		"nft flush chain inet nft_operator_limits interfaces",
		"nft delete element inet nft_operator_limits ingress_over '{ \"eth0\" }'",
	} {
		h.exec(t, "sh", "-ec", hand)
		if got := h.apply(t, asked).Result; !got.Changed || !strings.Contains(strings.Join(got.Drift, "\n"), "table inet nft_operator_limits was changed") {
			t.Errorf("%s: %+v", hand, got)
		}
		h.assertConverged(t)
	}
	if gone := h.apply(t, edge(web)).Result; !gone.Changed {
		t.Errorf("limits that nobody asks for any more: %+v", gone)
	}
	if left := h.kernel(t); strings.Contains(left, "nft_operator_limits") || h.has(limitsFile) {
		t.Errorf("something is left: %s", left)
	}
	h.assertConverged(t)
}

// TestAnInterfaceThatCannotBeHeld is named with the field that names it.
func TestAnInterfaceThatCannotBeHeld(t *testing.T) {
	h := newSharedHost(t)
	h.exec(t, "sh", "-ec", "ip link add br9 type bridge && ip link add port9 type veth peer name peer9 && ip link set port9 master br9")
	before := h.kernel(t) + h.files(t)
	for name, says := range map[string]string{
		"eth9":  "no interface eth9; it has br9, eth0, eth1, lo, peer9, port9. Correct spec.rateLimiting.interfaces, or",
		"port9": "write br9 in spec.rateLimiting.interfaces",
	} {
		got := h.refused(t, held(edge(web), ansible.InterfaceLimitVars{Name: name, Egress: packetsIn(5, "second")}), run{}, ansible.ReasonInterfaceMissing)
		if !strings.Contains(got.Result.Msg, says) {
			t.Errorf("%s: message: %s", name, got.Result.Msg)
		}
	}
	if after := h.kernel(t) + h.files(t); after != before {
		t.Errorf("something changed:\n%s", difference(t, before, after))
	}
	h.apply(t, held(edge(web), ansible.InterfaceLimitVars{Name: "br9", Egress: packetsIn(5, "second")}))
}

// newEchoHost is a gateway behind which the Service shop/udp answers.
func newEchoHost(t *testing.T) *host {
	t.Helper()
	h := newHost(t)
	for _, exposure := range []ansible.ExposureVar{udp, udp6} {
		server, err := h.topology.Node.Serve(lab.UDP, netip.AddrPortFrom(netip.MustParseAddr(exposure.Address), exposure.Port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
	}
	return h
}

// answers sends one datagram there and tells whether it came back.
func (h *host) answers(exposure ansible.ExposureVar) bool {
	to := netip.AddrPortFrom(netip.MustParseAddr(exposure.Address), exposure.Port)
	return h.topology.Client.Knock(lab.UDP, netip.Addr{}, to, 300*time.Millisecond) == nil
}

// overLimits applies an intent and returns how many packets the host tells to
// have been over the limits: of the Service shop/web, and of eth1 inwards.
func (h *host) overLimits(t *testing.T, vars ansible.Vars) (service, passed int64) {
	t.Helper()
	limits := h.apply(t, vars).Result.Limits
	for _, over := range limits.Over {
		if over.Service == "shop/web" {
			service = over.Packets
		}
	}
	for _, over := range limits.InterfacesOver {
		if over.Name == "eth1" && over.Direction == "ingress" {
			passed = over.Packets
		}
	}
	return service, passed
}
