package plan

import (
	"fmt"
	"math/rand/v2"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// BenchmarkForGateway plans Services of two addresses, two ports and three
// ranges each, in no order. The time per Service should hardly grow.
func BenchmarkForGateway(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("%dServices", n), func(b *testing.B) {
			services := manyServices(n)
			gw := gateway(allowed("192.0.2.0/24", "198.18.0.0/15", "2001:db8::/32"))
			b.ReportAllocs()
			for b.Loop() {
				plan := planFor(b, gw, services...)
				if len(plan.Exposures) != 4*n {
					b.Fatalf("%d exposures, want %d", len(plan.Exposures), 4*n)
				}
			}
		})
	}
}

func manyServices(n int) []corev1.Service {
	services := make([]corev1.Service, 0, n)
	for i := range n {
		services = append(services, service(fmt.Sprintf("s%d", i), createdAt(int64(i%50)),
			at(fmt.Sprintf("198.18.%d.%d", i/256, i%256), fmt.Sprintf("2001:db8::%x", i+1)),
			ports(tcp(443), udp(443)),
			from("198.51.100.0/24", "203.0.113.0/25", "2001:db8:1::/48")))
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(n, func(i, j int) { services[i], services[j] = services[j], services[i] })
	return services
}
