package plan

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestTheOlderServiceHoldsATuple(t *testing.T) {
	tests := []struct {
		name     string
		services []corev1.Service
		opened   []string
		refused  []string
	}{
		{name: "one address, different ports",
			services: []corev1.Service{service("web"), service("dns", ports(udp(53)))},
			opened:   []string{"shop/web 192.0.2.10 tcp/80 from any", "shop/dns 192.0.2.10 udp/53 from any"}},
		{name: "one port number, different protocols",
			services: []corev1.Service{service("tcp", ports(tcp(53))), service("udp", ports(udp(53)))},
			opened:   []string{"shop/tcp 192.0.2.10 tcp/53 from any", "shop/udp 192.0.2.10 udp/53 from any"}},
		{name: "the older one wins",
			services: []corev1.Service{service("a", createdAt(2)), service("b", createdAt(1))},
			opened:   []string{"shop/b 192.0.2.10 tcp/80 from any"},
			refused:  []string{"shop/a AddressInUse: older Service shop/b holds 192.0.2.10 tcp/80; use another address or port"}},
		{name: "of the same second, the name decides",
			services: []corev1.Service{service("b"), service("a")},
			opened:   []string{"shop/a 192.0.2.10 tcp/80 from any"},
			refused:  []string{"shop/b AddressInUse: older Service shop/a holds 192.0.2.10 tcp/80; use another address or port"}},
		{name: "and before it the namespace",
			services: []corev1.Service{service("a"), service("b", inNamespace("blog"))},
			opened:   []string{"blog/b 192.0.2.10 tcp/80 from any"},
			refused:  []string{"shop/a AddressInUse: older Service blog/b holds 192.0.2.10 tcp/80; use another address or port"}},
		{name: "what is free stays open",
			services: []corev1.Service{service("old"), service("new", createdAt(2), ports(tcp(80), tcp(443)))},
			opened:   []string{"shop/old 192.0.2.10 tcp/80 from any", "shop/new 192.0.2.10 tcp/443 from any"},
			refused:  []string{"shop/new AddressInUse: older Service shop/old holds 192.0.2.10 tcp/80; use another address or port"}},
		{name: "many ports, one refusal for each address and holder",
			services: []corev1.Service{
				service("old", at("192.0.2.10", "2001:db8::10"), ports(tcp(80), tcp(81), tcp(82))),
				service("older", createdAt(0), ports(tcp(90))),
				service("new", createdAt(2), at("192.0.2.10", "2001:db8::10"), ports(tcp(82), tcp(80), tcp(81), tcp(90))),
			},
			opened: []string{
				"shop/old 192.0.2.10 tcp/80 from any", "shop/old 192.0.2.10 tcp/81 from any", "shop/old 192.0.2.10 tcp/82 from any",
				"shop/older 192.0.2.10 tcp/90 from any",
				"shop/old 2001:db8::10 tcp/80 from any", "shop/old 2001:db8::10 tcp/81 from any", "shop/old 2001:db8::10 tcp/82 from any",
				"shop/new 2001:db8::10 tcp/90 from any",
			},
			refused: []string{
				"shop/new AddressInUse: older Service shop/old holds 192.0.2.10 tcp/80 and 2 more; use another address or port",
				"shop/new AddressInUse: older Service shop/old holds 2001:db8::10 tcp/80 and 2 more; use another address or port",
				"shop/new AddressInUse: older Service shop/older holds 192.0.2.10 tcp/90; use another address or port",
			}},
		{name: "refused for its ranges, it still holds",
			services: []corev1.Service{service("old", from("junk")), service("new", createdAt(2))},
			refused: []string{
				"shop/new AddressInUse: older Service shop/old holds 192.0.2.10 tcp/80; use another address or port",
				`shop/old InvalidSourceRange: spec.loadBalancerSourceRanges: "junk" is not a range; write address/length without leading zeros, such as 198.51.100.0/24 or 2001:db8::/32`,
			}},
		{name: "admitting nobody of a family, it still holds there",
			services: []corev1.Service{service("old", from("2001:db8:1::/48")), service("new", createdAt(2))},
			refused:  []string{"shop/new AddressInUse: older Service shop/old holds 192.0.2.10 tcp/80; use another address or port"}},
		{name: "an address that is not allowed is not held",
			services: []corev1.Service{service("old", at("203.0.113.10")), service("new", createdAt(2))},
			opened:   []string{"shop/new 192.0.2.10 tcp/80 from any"},
			refused:  []string{"shop/old AddressNotAllowed: 203.0.113.10 is outside spec.services.allowedCIDRs of the gateway; use an address inside, or have the administrator add its range"}},
		{name: "what is lost is not held against a third",
			services: []corev1.Service{service("a"), service("b", createdAt(2), ports(tcp(80), tcp(81))), service("c", createdAt(3), ports(tcp(80)))},
			opened:   []string{"shop/a 192.0.2.10 tcp/80 from any", "shop/b 192.0.2.10 tcp/81 from any"},
			refused: []string{
				"shop/b AddressInUse: older Service shop/a holds 192.0.2.10 tcp/80; use another address or port",
				"shop/c AddressInUse: older Service shop/a holds 192.0.2.10 tcp/80; use another address or port",
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan := planFor(t, gateway(), tt.services...)
			wantLines(t, "opened", opened(plan), tt.opened)
			wantLines(t, "refused", refused(plan), tt.refused)
		})
	}
}
