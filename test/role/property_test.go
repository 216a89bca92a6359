package role_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"pgregory.net/rapid"
)

// TestAnySequenceOfChangesEqualsABoot applies sequences of intents, each on top
// of what the ones before and somebody's hands left: the kernel always equals a
// fresh load of /etc/nftables.conf, and applying again changes nothing.
func TestAnySequenceOfChangesEqualsABoot(t *testing.T) {
	if err := flag.Set("rapid.checks", "5"); err != nil { // a step takes two seconds
		t.Fatal(err)
	}
	h := newHost(t)
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 3).Draw(rt, "steps") {
			vars := edge(exposures().Draw(rt, "exposures")...)
			vars.Firewall = firewalls(vars.Firewall).Draw(rt, "firewall")
			vars.Limits.Services = drawLimits(rt, vars)
			vars.Limits.Mode = rapid.SampledFrom([]string{"police", "shape"}).Draw(rt, "mode")
			vars.Limits.Interfaces = drawInterfaceLimits(rt)
			if hands := rapid.SampledFrom(damages).Draw(rt, "hands"); hands != "" {
				_, _ = h.Exec("sh", "-c", hands) // there may be nothing to damage
			}
			h.apply(rt, vars)
			h.assertConverged(rt)
			if got := h.apply(rt, vars).Result; got.Changed || len(got.Drift) > 0 {
				rt.Errorf("applied again: %+v", got)
			}
		}
	})
}

// damages are what hands do between two runs.
var damages = []string{
	"", "",
	"nft flush set inet nft_operator services4",
	"nft flush set inet nft_operator sources6",
	"nft add element inet nft_operator services4 '{ 203.0.113.1 . tcp . 443, 203.0.113.9 . udp . 9 }'",
	"nft insert rule inet nft_operator from_public accept",
	"nft flush chain inet nft_operator input",
	"nft delete table inet nft_operator",
	"nft delete table inet nft_operator_limits",
	"nft flush map inet nft_operator_limits rates4",
	"nft add rule inet nft_operator_limits over accept",
	"nft flush map inet nft_operator_limits ingress_rates",
	"nft flush chain inet nft_operator_limits interfaces",
	"echo nonsense > " + limitsFile,
	"sed -i 's/443/444/' " + conf,
	"tc filter delete dev eth0 ingress pref 20038",
	"tc qdisc delete dev eth0 clsact",
	"ip link delete nftop-shape",
	"printf 'set mine { type ipv4_addr; flags interval; elements = { 198.51.100.0/30 }; }\\nchain local-chain { ip saddr @mine drop; }\\n' > " + theirChain,
	"printf 'chain more { counter; }\\nchain local-chain { tcp dport vmap { 7: jump more }; }\\n' > " + theirChain,
	"echo nonsense > " + theirChain,
	"rm -f " + theirChain,
}

// firewalls are options of every kind, those in the structure and those in sets.
func firewalls(from ansible.FirewallVars) *rapid.Generator[ansible.FirewallVars] {
	return rapid.Custom(func(t *rapid.T) ansible.FirewallVars {
		from.Management.IPv4 = rapid.SampledFrom([][]string{{}, {"192.0.2.0/24"}, {"192.0.2.0/25", "192.0.2.128"}}).Draw(t, "management")
		from.BGPPeers.IPv6 = rapid.SampledFrom([][]string{{}, {"2001:db8:2::1"}}).Draw(t, "peers")
		from.EstablishedConnections = rapid.SampledFrom([]string{"keep", "terminate"}).Draw(t, "established")
		from.DefaultAction = rapid.SampledFrom([]string{"drop", "accept"}).Draw(t, "default")
		from.ServiceEcho = rapid.SampledFrom([]string{"limit", "drop"}).Draw(t, "echo")
		from.EchoPerSecond = rapid.SampledFrom([]int{7, 10}).Draw(t, "rate")
		return from
	})
}

// drawLimits gives Services that are open limits of each kind.
func drawLimits(t *rapid.T, vars ansible.Vars) []ansible.ServiceLimitVars {
	services := map[string]bool{}
	for _, exposure := range slices.Concat(vars.Exposures.IPv4, vars.Exposures.IPv6) {
		services[exposure.Service] = true
	}
	limits := []ansible.ServiceLimitVars{}
	for _, service := range slices.Sorted(maps.Keys(services)) {
		rate := packetsIn(rapid.SampledFrom([]uint64{3, 4}).Draw(t, "rate"), "minute")
		limits = append(limits, rapid.SliceOfNDistinct(rapid.SampledFrom([]ansible.ServiceLimitVars{
			{Service: service, Rate: rate}, {Service: service, Rate: rate, PerPort: true},
			bytesIn(service, 250_000), {Service: service, Rate: bytesIn(service, 500_000).Rate, PerPort: true, ConnectionLimit: 3},
			{Service: service, PerSource: rate}, {Service: service, ConnectionLimit: 3},
			{Service: service, Rate: rate, PerSource: rate, ConnectionRate: &ansible.RateVars{Unit: "connections", Amount: 2, Period: "hour", Burst: 7}, ConnectionLimit: 5},
		}), 0, 1, func(one ansible.ServiceLimitVars) string { return text(t, one) }).Draw(t, "limits")...)
	}
	return limits
}

// drawInterfaceLimits gives interfaces of the gateway limits of each kind.
func drawInterfaceLimits(t *rapid.T) []ansible.InterfaceLimitVars {
	limits := []ansible.InterfaceLimitVars{}
	for _, name := range []string{"eth0", "eth1"} {
		rate := packetsIn(rapid.SampledFrom([]uint64{100_000, 200_000}).Draw(t, "rate of "+name), "second")
		bytes := &ansible.RateVars{Unit: "bytes", Amount: 125_000_000, Period: "second", Burst: 6_250_000}
		limits = append(limits, rapid.SliceOfNDistinct(rapid.SampledFrom([]ansible.InterfaceLimitVars{
			{Name: name, Ingress: rate}, {Name: name, Egress: rate}, {Name: name, Ingress: bytes, Egress: rate},
		}), 0, 1, func(one ansible.InterfaceLimitVars) string { return text(t, one) }).Draw(t, "limits of "+name)...)
	}
	return limits
}

// exposures of few addresses and ports, so that steps meet each other.
func exposures() *rapid.Generator[[]ansible.ExposureVar] {
	one := rapid.Custom(func(t *rapid.T) ansible.ExposureVar {
		six := rapid.Bool().Draw(t, "six")
		address := fmt.Sprintf("203.0.113.%d", rapid.IntRange(1, 4).Draw(t, "host"))
		ranges := []string{"198.51.100.0/25", "198.51.100.128/26", "198.51.100.200"}
		if six {
			address = fmt.Sprintf("2001:db8:1b::%d", rapid.IntRange(1, 4).Draw(t, "host"))
			ranges = []string{"2001:db8:c::/64", "2001:db8:d::/48", "2001:db8:e::1"}
		}
		return ansible.ExposureVar{
			Service:  rapid.SampledFrom([]string{"shop/web", "shop/api", "infra/dns"}).Draw(t, "service"),
			Address:  address,
			Protocol: rapid.SampledFrom([]string{"tcp", "udp", "sctp"}).Draw(t, "protocol"),
			Port:     rapid.SampledFrom([]uint16{53, 443, 65535}).Draw(t, "port"),
			Sources:  rapid.SliceOfNDistinct(rapid.SampledFrom(ranges), 0, 2, rapid.ID[string]).Draw(t, "sources"),
		}
	})
	return rapid.SliceOfNDistinct(one, 0, 8, func(e ansible.ExposureVar) string {
		return fmt.Sprint(e.Address, e.Protocol, e.Port)
	})
}
