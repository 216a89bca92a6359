package plan

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

// edit changes one thing about a Service, so that a test case names only what
// it is about.
type edit func(*corev1.Service)

// service is shop/<name> at 192.0.2.10, port 80/TCP, open for any source.
func service(name string, edits ...edit) corev1.Service {
	s := corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, CreationTimestamp: born(1)},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer},
	}
	at("192.0.2.10")(&s)
	ports(tcp(80))(&s)
	for _, e := range edits {
		e(&s)
	}
	return s
}

func at(ips ...string) edit {
	return func(s *corev1.Service) {
		s.Status.LoadBalancer.Ingress = nil
		for _, ip := range ips {
			s.Status.LoadBalancer.Ingress = append(s.Status.LoadBalancer.Ingress, corev1.LoadBalancerIngress{IP: ip})
		}
	}
}

func ingress(entries ...corev1.LoadBalancerIngress) edit {
	return func(s *corev1.Service) { s.Status.LoadBalancer.Ingress = entries }
}

func ports(list ...corev1.ServicePort) edit {
	return func(s *corev1.Service) { s.Spec.Ports = list }
}

func tcp(port int32) corev1.ServicePort {
	return corev1.ServicePort{Protocol: corev1.ProtocolTCP, Port: port}
}

func udp(port int32) corev1.ServicePort {
	return corev1.ServicePort{Protocol: corev1.ProtocolUDP, Port: port}
}

func from(ranges ...string) edit {
	return func(s *corev1.Service) { s.Spec.LoadBalancerSourceRanges = ranges }
}

func annotatedFrom(text string) edit {
	return func(s *corev1.Service) {
		s.Annotations = map[string]string{corev1.AnnotationLoadBalancerSourceRangesKey: text}
	}
}

// asking adds annotations, given as name, text, name, text.
func asking(pairs ...string) edit {
	return func(s *corev1.Service) {
		if s.Annotations == nil {
			s.Annotations = map[string]string{}
		}
		for i := 0; i < len(pairs); i += 2 {
			s.Annotations[pairs[i]] = pairs[i+1]
		}
	}
}

func createdAt(second int64) edit {
	return func(s *corev1.Service) { s.CreationTimestamp = born(second) }
}

func born(second int64) metav1.Time { return metav1.NewTime(time.Unix(1_700_000_000+second, 0)) }

// gateway is edge/main, with the documentation ranges allowed.
func gateway(edits ...func(*v1alpha1.NftGatewaySpec)) *v1alpha1.NftGateway {
	gw := &v1alpha1.NftGateway{ObjectMeta: metav1.ObjectMeta{Namespace: "edge", Name: "main", Generation: 3, CreationTimestamp: born(1)}}
	gw.Spec.Services.AllowedCIDRs = []v1alpha1.CIDR{"192.0.2.0/24", "2001:db8::/32"}
	gw.Spec.PublicInterfaces = []v1alpha1.InterfaceName{"eth0"}
	gw.Spec.Hosts = []v1alpha1.GatewayHost{{Name: "gw1", Address: "198.51.100.1"}}
	for _, e := range edits {
		e(&gw.Spec)
	}
	return gw
}

// planFor plans Services on a gateway that must be accepted.
func planFor(t testing.TB, gw *v1alpha1.NftGateway, services ...corev1.Service) Gateway {
	t.Helper()
	plan, err := ForGateway(gw, services, map[string]labels.Set{"shop": {"team": "shop"}})
	if err != nil {
		t.Fatalf("the gateway is refused: %v", err)
	}
	return plan
}

// opened writes exposures as "shop/web 192.0.2.10 tcp/80 from any".
func opened(plan Gateway) []string {
	var lines []string
	for _, e := range plan.Exposures {
		lines = append(lines, fmt.Sprintf("%s %s %s/%d from %s", e.Service, e.Address, e.Protocol, e.Port, sourcesText(e.Sources)))
	}
	return lines
}

// refused writes refusals as "shop/web Reason: message".
func refused(plan Gateway) []string {
	var lines []string
	for _, r := range plan.Refusals {
		lines = append(lines, fmt.Sprintf("%s %s: %s", r.Service, r.Reason, r.Message))
	}
	return lines
}

// held writes limits as "shop/web 16 mbit/second burst 64 kbytes for each port".
func held(plan Gateway) []string {
	var lines []string
	for _, l := range plan.Limits {
		lines = append(lines, l.Service.String()+" "+l.String())
	}
	return lines
}

// noticed writes notices as "shop/web Reason: message".
func noticed(plan Gateway) []string {
	var lines []string
	for _, n := range plan.Notices {
		lines = append(lines, fmt.Sprintf("%s %s: %s", n.Service, n.Reason, n.Message))
	}
	return lines
}
