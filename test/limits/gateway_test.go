package limits_test

import (
	"fmt"
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
	"github.com/nft-operator/nft-operator/test/lab/apply"
)

// gateway is on the way between client and node.
type gateway struct {
	*lab.Gateway
	net  *lab.Topology
	spec v1alpha1.NftGatewaySpec
}

// modes are what becomes of packets that are over a limit. This kernel has no
// police for tc, so it is nft that drops them here.
var modes = []v1alpha1.RateLimitMode{v1alpha1.RateLimitPolice, v1alpha1.RateLimitShape}

// inEachMode runs a test on a gateway of its own in each.
func inEachMode(t *testing.T, test func(*testing.T, *gateway)) {
	for _, mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			g := newGateway(t)
			g.spec.RateLimiting.Mode = mode
			test(t, g)
		})
	}
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	net, err := lab.NewTopology(lab.Layout{Gateways: 1})
	must(t, err)
	t.Cleanup(func() { must(t, net.Close()) })
	return &gateway{Gateway: net.Gateways[0], net: net, spec: apply.SpecOf(net.Gateways[0])}
}

// apply brings the gateway to its Services and demands that it succeeds.
func (g *gateway) apply(t *testing.T, services ...corev1.Service) {
	t.Helper()
	run, err := apply.RunOf(runner, g, g.net.Key, g.spec, services)
	must(t, err)
	reports, err := runner.Run(t.Context(), run)
	must(t, err)
	report := reports[apply.HostName]
	if report.Reason != "" || report.Outcome.Revision != run.Targets[0].Revision {
		t.Fatalf("apply: %s: %s; revision %s, want %s", report.Reason, report.Message, report.Outcome.Revision, run.Targets[0].Revision)
	}
}

// service is open at port 9000 of an address for UDP and TCP. Annotations are by
// their names without the prefix.
func service(name, address string, annotations map[string]string) corev1.Service {
	made := corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Annotations: map[string]string{}},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeLoadBalancer,
			Ports: []corev1.ServicePort{
				{Name: "udp", Protocol: corev1.ProtocolUDP, Port: port}, {Name: "tcp", Protocol: corev1.ProtocolTCP, Port: port},
			},
		},
		Status: corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{{IP: address}}}},
	}
	for annotation, value := range annotations {
		made.Annotations["nft-operator.io/"+annotation] = value
	}
	return made
}

const port = 9000

func door(address string) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(address), port)
}

// off is by which part a rate differs from another.
func off(got, want float64) float64 {
	if got > want {
		return got/want - 1
	}
	return 1 - got/want
}

func mbit(bitsPerSecond float64) string { return fmt.Sprintf("%.3f Mbit/s", bitsPerSecond/1e6) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
