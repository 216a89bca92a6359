package role_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"pgregory.net/rapid"
)

// TestAnySequenceOfChangesEqualsABoot applies sequences of intents, each on top
// of what the ones before left: the kernel always equals a fresh load of
// /etc/nftables.conf, and holds nothing but the last intent.
func TestAnySequenceOfChangesEqualsABoot(t *testing.T) {
	if err := flag.Set("rapid.checks", "6"); err != nil { // a step takes a third of a second
		t.Fatal(err)
	}
	h := newHost(t)
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 3).Draw(rt, "steps") {
			vars := edge(exposures().Draw(rt, "exposures")...)
			vars.Firewall.Management.IPv4 = rapid.SampledFrom([][]string{{}, {"192.0.2.0/24"}, {"192.0.2.0/25", "192.0.2.128"}}).Draw(rt, "management")
			h.apply(rt, vars)
			h.assertConverged(rt)
		}
	})
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
