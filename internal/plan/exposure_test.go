package plan

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestWhatOneServiceOpens(t *testing.T) {
	const badAddress = " is not an IP address; write one such as 192.0.2.1 or 2001:db8::1, without leading zeros or prefix length"
	tests := []struct {
		name    string
		edits   []edit
		opened  []string
		refused []string
	}{
		{name: "every address with every port",
			edits: []edit{at("192.0.2.10", "2001:db8::10"), ports(tcp(443), tcp(80))},
			opened: []string{
				"shop/web 192.0.2.10 tcp/80 from any", "shop/web 192.0.2.10 tcp/443 from any",
				"shop/web 2001:db8::10 tcp/80 from any", "shop/web 2001:db8::10 tcp/443 from any",
			}},
		{name: "TCP, UDP and SCTP, TCP where none is named",
			edits: []edit{ports(corev1.ServicePort{Port: 53}, udp(53), corev1.ServicePort{Protocol: "SCTP", Port: 53})},
			opened: []string{
				"shop/web 192.0.2.10 sctp/53 from any", "shop/web 192.0.2.10 tcp/53 from any", "shop/web 192.0.2.10 udp/53 from any",
			}},
		{name: "the first and the last port", edits: []edit{ports(tcp(1), tcp(65535))},
			opened: []string{"shop/web 192.0.2.10 tcp/1 from any", "shop/web 192.0.2.10 tcp/65535 from any"}},
		{name: "sources of each family to its own addresses",
			edits:  []edit{at("192.0.2.10", "2001:db8::10"), from("198.51.100.0/24", "2001:db8:1::/48")},
			opened: []string{"shop/web 192.0.2.10 tcp/80 from 198.51.100.0/24", "shop/web 2001:db8::10 tcp/80 from 2001:db8:1::/48"}},
		{name: "sources of one family open nothing in the other",
			edits:  []edit{at("192.0.2.10", "2001:db8::10"), from("198.51.100.0/24")},
			opened: []string{"shop/web 192.0.2.10 tcp/80 from 198.51.100.0/24"}},
		{name: "the same address twice", edits: []edit{at("2001:db8::10", "2001:0db8:0::10")},
			opened: []string{"shop/web 2001:db8::10 tcp/80 from any"}},
		{name: "the same port twice", edits: []edit{ports(tcp(80), tcp(80))},
			opened: []string{"shop/web 192.0.2.10 tcp/80 from any"}},
		{name: "pending", edits: []edit{at()}},
		{name: "no ports", edits: []edit{ports()}},
		{name: "a host name only",
			edits:   []edit{ingress(corev1.LoadBalancerIngress{Hostname: "lb.example.org"})},
			refused: []string{`shop/web NoAddress: status.loadBalancer.ingress has no IP address (host name "lb.example.org"); a gateway opens addresses only, use a load balancer that reports them`}},
		{name: "a host name beside an address in one entry",
			edits:  []edit{ingress(corev1.LoadBalancerIngress{IP: "192.0.2.10", Hostname: "lb.example.org"})},
			opened: []string{"shop/web 192.0.2.10 tcp/80 from any"}},
		{name: "a host name beside an address in another entry",
			edits:  []edit{ingress(corev1.LoadBalancerIngress{Hostname: "lb.example.org"}, corev1.LoadBalancerIngress{IP: "192.0.2.10"})},
			opened: []string{"shop/web 192.0.2.10 tcp/80 from any"}},
		{name: "the mode of an address does not matter",
			edits:  []edit{ingress(corev1.LoadBalancerIngress{IP: "192.0.2.10", IPMode: ptr(corev1.LoadBalancerIPModeProxy)})},
			opened: []string{"shop/web 192.0.2.10 tcp/80 from any"}},
		{name: "an address outside allowedCIDRs closes only itself",
			edits:   []edit{at("203.0.113.10", "192.0.2.10")},
			opened:  []string{"shop/web 192.0.2.10 tcp/80 from any"},
			refused: []string{"shop/web AddressNotAllowed: 203.0.113.10 is outside spec.services.allowedCIDRs of the gateway; use an address inside, or have the administrator add its range"}},
		{name: "a bad address closes only itself",
			edits:   []edit{at("192.0.2.10; drop", "192.0.2.10")},
			opened:  []string{"shop/web 192.0.2.10 tcp/80 from any"},
			refused: []string{`shop/web InvalidAddress: status.loadBalancer.ingress: "192.0.2.10; drop"` + badAddress}},
		{name: "an IPv4-mapped address",
			edits:   []edit{at("::ffff:192.0.2.10")},
			refused: []string{`shop/web InvalidAddress: status.loadBalancer.ingress: "::ffff:192.0.2.10" is an IPv4-mapped IPv6 address; write it as IPv4: 192.0.2.10`}},
		{name: "a zone",
			edits:   []edit{at("2001:db8::10%eth0")},
			refused: []string{`shop/web InvalidAddress: status.loadBalancer.ingress: "2001:db8::10%eth0" has a zone; write it without: 2001:db8::10`}},
		{name: "an unknown protocol closes only its port",
			edits:   []edit{ports(corev1.ServicePort{Protocol: "{{ x }}", Port: 1}, tcp(80))},
			opened:  []string{"shop/web 192.0.2.10 tcp/80 from any"},
			refused: []string{`shop/web InvalidProtocol: port 1 has protocol "{{ x }}"; write TCP, UDP or SCTP`}},
		{name: "a port that does not exist closes only itself",
			edits:  []edit{ports(tcp(0), tcp(80), tcp(65536))},
			opened: []string{"shop/web 192.0.2.10 tcp/80 from any"},
			refused: []string{
				"shop/web InvalidPort: port 0 does not exist; write a number from 1 to 65535",
				"shop/web InvalidPort: port 65536 does not exist; write a number from 1 to 65535",
			}},
		{name: "a bad range closes the whole Service",
			edits:   []edit{at("192.0.2.10", "2001:db8::10"), from("198.51.100.0/24", "10.0.0.0/33")},
			refused: []string{`shop/web InvalidSourceRange: spec.loadBalancerSourceRanges: "10.0.0.0/33" has a bad prefix length; write address/length with a length from 0 to 32, without leading zeros`}},
		{name: "every problem is told at once",
			edits: []edit{at("203.0.113.10"), ports(tcp(0)), from("junk")},
			refused: []string{
				"shop/web AddressNotAllowed: 203.0.113.10 is outside spec.services.allowedCIDRs of the gateway; use an address inside, or have the administrator add its range",
				"shop/web InvalidPort: port 0 does not exist; write a number from 1 to 65535",
				`shop/web InvalidSourceRange: spec.loadBalancerSourceRanges: "junk" is not a range; write address/length without leading zeros, such as 198.51.100.0/24 or 2001:db8::/32`,
			}},
		{name: "node ports, the health check's port and external IPs open nothing",
			edits: []edit{func(s *corev1.Service) {
				s.Spec.Ports[0].NodePort = 30080
				s.Spec.HealthCheckNodePort = 32000
				s.Spec.ExternalIPs = []string{"192.0.2.99"}
			}},
			opened: []string{"shop/web 192.0.2.10 tcp/80 from any"}},
		{name: "being deleted, it is still there",
			edits:  []edit{func(s *corev1.Service) { s.DeletionTimestamp = &metav1.Time{Time: born(9).Time} }},
			opened: []string{"shop/web 192.0.2.10 tcp/80 from any"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan := planFor(t, gateway(), service("web", tt.edits...))
			wantLines(t, "opened", opened(plan), tt.opened)
			wantLines(t, "refused", refused(plan), tt.refused)
		})
	}
}

func TestAddressesThatNobodyCanRouteTo(t *testing.T) {
	everywhere := gateway(allowed("0.0.0.0/0", "::/0"))
	for _, ip := range []string{"0.0.0.0", "127.0.0.1", "224.0.0.1", "169.254.0.1", "255.255.255.255", "::", "::1", "ff02::1", "fe80::1"} {
		plan := planFor(t, everywhere, service("web", at(ip)))
		wantLines(t, "opened", opened(plan), nil)
		wantLines(t, "refused", refused(plan), []string{"shop/web InvalidAddress: " + ip + " is not a unicast address that can be routed to; no gateway can forward to it"})
	}
}

func ptr[T any](value T) *T { return &value }
