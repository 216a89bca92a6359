package limits_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestCostOfAPacketIsTheSame floods one Service with small packets while 1, 100
// and 5,000 Services are limited, in turns: as many get through in each case.
func TestCostOfAPacketIsTheSame(t *testing.T) { inEachMode(t, testCostOfAPacket) }

func testCostOfAPacket(t *testing.T, g *gateway) {
	const rounds, address = 3, "203.0.113.10"
	counts := []int{1, 100, 5000}
	arrived := map[int][]float64{}
	for range rounds {
		for _, count := range counts {
			services := []corev1.Service{service("web", address, map[string]string{"rate-limit": "10gbit"})}
			for i := range count - 1 {
				services = append(services, service(fmt.Sprintf("other-%d", i), fmt.Sprintf("2001:db8:1b::%x", 0x1000+i), map[string]string{"rate-limit": "1mbit"}))
			}
			g.apply(t, services...)
			rates, err := g.net.MeasureFlows(t.Context(), 500*time.Millisecond, time.Second, lab.Flow{From: g.net.Client.Primary.IPv4, To: door(address), BitsPerSecond: 4e9, Payload: 64})
			must(t, err)
			arrived[count] = append(arrived[count], rates[0].Arrived/8/(64+28))
		}
	}
	few := best(arrived[1])
	for _, count := range counts {
		many := best(arrived[count])
		t.Logf("%d limited Services: %.0f packets a second, %.2f of those with one", count, many, many/few)
		if many < 0.8*few {
			t.Errorf("%d limited Services make packets dearer", count)
		}
	}
}

// best is what the machine can do when nothing else keeps it busy.
func best(rates []float64) float64 { return slices.Max(rates) }
