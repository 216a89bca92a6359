package limits_test

import (
	"fmt"
	"testing"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// TestRatesOfInterfaces offers twice what an interface lets pass, to two
// Services without limits, one of each family.
func TestRatesOfInterfaces(t *testing.T) {
	g := newGateway(t)
	const address, address6 = "203.0.113.10", "2001:db8:1b::10"
	for _, asked := range []float64{10e6, 100e6, 1e9} {
		rate := v1alpha1.DataRate(fmt.Sprintf("%.0fmbit", asked/1e6))
		for _, limit := range []v1alpha1.InterfaceLimit{{Name: lab.PublicInterface, Ingress: rate}, {Name: lab.ClusterInterface, Egress: rate}} {
			t.Run(fmt.Sprintf("%s of %s", mbit(asked), limit.Name), func(t *testing.T) {
				g.spec.RateLimiting.Interfaces = []v1alpha1.InterfaceLimit{limit}
				g.apply(t, service("web", address, nil), service("web6", address6, nil))
				rates := g.measure(t, drained,
					lab.Flow{From: g.net.Client.Primary.IPv4, To: door(address), BitsPerSecond: asked},
					lab.Flow{From: g.net.Client.Primary.IPv6, To: door(address6), BitsPerSecond: asked})
				offered, arrived := rates[0].Offered+rates[1].Offered, rates[0].Arrived+rates[1].Arrived
				t.Logf("offered %s, arrived %s: %+.2f %%", mbit(offered), mbit(arrived), 100*(arrived/asked-1))
				if offered < 1.2*asked {
					t.Fatal("this machine does not offer enough to be limited")
				}
				if off(arrived, asked) > 0.05 {
					t.Error("more than 5 % off")
				}
			})
		}
	}
}
