package e2e

import (
	"net/netip"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/nft-operator/nft-operator/test/lab"
)

func TestAServiceOpensOnBothGatewaysAndNothingElse(t *testing.T) {
	s := openShop(t)
	client := the.net.Client.Primary
	doors := []string{"tcp 203.0.113.10:80", "udp 203.0.113.10:53", "tcp [2001:db8:1b::10]:80", "udp [2001:db8:1b::10]:53"}
	others := []string{"tcp 203.0.113.10:81", "tcp 203.0.113.11:80", "tcp [2001:db8:1b::10]:81", "udp 203.0.113.10:54"}
	for _, door := range slices.Concat(doors, others) {
		serve(t, door)
	}
	awaitGateway(t, edge)
	for _, door := range doors {
		_, at := doorOf(door)
		assertClosed(t, client.Like(at.Addr()), door)
	}

	s.service("web", []string{"203.0.113.10", "2001:db8:1b::10"}, withPorts("tcp/80", "udp/53"))
	s.awaitOpen("web")
	for _, gateway := range the.net.Gateways {
		if err := the.net.Via(gateway); err != nil {
			t.Fatal(err)
		}
		for _, door := range doors {
			_, at := doorOf(door)
			assertOpen(t, client.Like(at.Addr()), door)
		}
		for _, door := range others {
			_, at := doorOf(door)
			assertClosed(t, client.Like(at.Addr()), door)
		}
	}

	s.remove("web")
	await(t, "the doors to close", func() error { return allClosed(client, doors) })
}

// TestAScanFindsExactlyWhatIsPlanned sends a packet to every port of some
// addresses, for each protocol, and compares what arrived at the node.
func TestAScanFindsExactlyWhatIsPlanned(t *testing.T) {
	s := openShop(t)
	s.service("web", []string{"203.0.113.20", "2001:db8:1b::20"}, withPorts("tcp/80", "tcp/443", "sctp/3868"))
	s.service("dns", []string{"203.0.113.20"}, withPorts("udp/53", "tcp/53"))
	s.service("alone", []string{"203.0.113.21"}, withPorts("tcp/65535", "udp/1"),
		withSources(the.net.Client.Secondary.IPv4.String()+"/32"))
	s.service("other-family", []string{"203.0.113.22"}, withPorts("tcp/8080"), withSources("2001:db8:c::/64"))
	for _, name := range []string{"web", "dns", "alone"} {
		s.awaitOpen(name)
	}
	primary, secondary := the.net.Client.Primary, the.net.Client.Secondary
	want := lab.Packets{}
	for _, open := range []struct {
		to       string
		protocol lab.Protocol
		port     uint16
		from     []netip.Addr
	}{
		{"203.0.113.20", lab.TCP, 80, []netip.Addr{primary.IPv4, secondary.IPv4}},
		{"203.0.113.20", lab.TCP, 443, []netip.Addr{primary.IPv4, secondary.IPv4}},
		{"203.0.113.20", lab.SCTP, 3868, []netip.Addr{primary.IPv4, secondary.IPv4}},
		{"203.0.113.20", lab.UDP, 53, []netip.Addr{primary.IPv4, secondary.IPv4}},
		{"203.0.113.20", lab.TCP, 53, []netip.Addr{primary.IPv4, secondary.IPv4}},
		{"203.0.113.21", lab.TCP, 65535, []netip.Addr{secondary.IPv4}},
		{"203.0.113.21", lab.UDP, 1, []netip.Addr{secondary.IPv4}},
		{"2001:db8:1b::20", lab.TCP, 80, []netip.Addr{primary.IPv6, secondary.IPv6}},
		{"2001:db8:1b::20", lab.TCP, 443, []netip.Addr{primary.IPv6, secondary.IPv6}},
		{"2001:db8:1b::20", lab.SCTP, 3868, []netip.Addr{primary.IPv6, secondary.IPv6}},
	} {
		for _, from := range open.from {
			want[lab.Packet{Source: from, Destination: netip.MustParseAddr(open.to), Protocol: open.protocol, Port: open.port}] = struct{}{}
		}
	}
	for _, gateway := range the.net.Gateways {
		got, err := the.net.Scan(lab.Scan{
			Via: gateway,
			Destinations: []netip.Addr{
				netip.MustParseAddr("203.0.113.20"), netip.MustParseAddr("203.0.113.21"), netip.MustParseAddr("203.0.113.22"),
				netip.MustParseAddr("2001:db8:1b::20"), the.net.Node.Addresses.IPv4,
			},
			Sources: slices.Concat(primary.All(), secondary.All()),
		})
		if err != nil {
			t.Fatal(err)
		}
		assertSamePackets(t, gateway.Name, want, got)
	}
}

func assertSamePackets(t *testing.T, via string, want, got lab.Packets) {
	t.Helper()
	for packet := range want {
		if _, arrived := got[packet]; !arrived {
			t.Errorf("by %s: %s should arrive, and does not", via, packet)
		}
	}
	for packet := range got {
		if _, wanted := want[packet]; !wanted {
			t.Errorf("by %s: %s arrives, and should not", via, packet)
		}
	}
}

func TestOnlyTheNamedSourcesPass(t *testing.T) {
	s := openShop(t)
	primary, secondary := the.net.Client.Primary, the.net.Client.Secondary
	doors := []string{"tcp 203.0.113.30:80", "tcp [2001:db8:1b::30]:80"}
	for _, door := range doors {
		serve(t, door)
	}
	s.service("web", []string{"203.0.113.30", "2001:db8:1b::30"},
		withSources("198.51.100.77/32", "198.51.100.64/26", "2001:db8:c::70/124"))
	s.awaitOpen("web")
	assertOpen(t, secondary.IPv4, doors[0])
	assertOpen(t, secondary.IPv6, doors[1])
	assertClosed(t, primary.IPv4, doors[0])
	assertClosed(t, primary.IPv6, doors[1])

	s.update("web", withSources("198.51.100.0/24"))
	await(t, "the ranges to change", func() error {
		return the.net.Client.Knock(lab.TCP, primary.IPv4, netip.MustParseAddrPort("203.0.113.30:80"), closedPatience)
	})
	assertOpen(t, secondary.IPv4, doors[0])
	assertClosed(t, secondary.IPv6, doors[1]) // ranges of the other family open nothing here

	s.update("web", withSources())
	await(t, "anybody to pass", func() error {
		return the.net.Client.Knock(lab.TCP, primary.IPv6, netip.MustParseAddrPort("[2001:db8:1b::30]:80"), closedPatience)
	})
}

func TestTheOldAnnotationNamesSourcesToo(t *testing.T) {
	s := openShop(t)
	serve(t, "tcp 203.0.113.31:80")
	s.service("web", []string{"203.0.113.31"}, withAnnotation(corev1.AnnotationLoadBalancerSourceRangesKey, "198.51.100.77/32, 192.0.2.0/24"))
	s.awaitOpen("web")
	assertOpen(t, the.net.Client.Secondary.IPv4, "tcp 203.0.113.31:80")
	assertClosed(t, the.net.Client.Primary.IPv4, "tcp 203.0.113.31:80")
}

func TestAnEditedPortMoves(t *testing.T) {
	s := openShop(t)
	client := the.net.Client.Primary
	serve(t, "tcp 203.0.113.32:80")
	serve(t, "tcp 203.0.113.32:81")
	s.service("web", []string{"203.0.113.32"})
	s.awaitOpen("web")
	assertOpen(t, client.IPv4, "tcp 203.0.113.32:80")
	s.update("web", withPorts("tcp/81"))
	await(t, "the new port to open", func() error {
		return the.net.Client.Knock(lab.TCP, client.IPv4, netip.MustParseAddrPort("203.0.113.32:81"), closedPatience)
	})
	assertClosed(t, client.IPv4, "tcp 203.0.113.32:80")
}

func TestOnlyLoadBalancersWithAnAddressOpen(t *testing.T) {
	s := openShop(t)
	client := the.net.Client.Primary
	for _, door := range []string{"tcp 203.0.113.33:80", "tcp 203.0.113.34:80", "tcp 203.0.113.35:80"} {
		serve(t, door)
	}
	s.service("pending", nil)
	s.service("external", nil, func(service *corev1.Service) {
		service.Spec.Type = corev1.ServiceTypeClusterIP
		service.Spec.ExternalIPs = []string{"203.0.113.34"}
	})
	s.service("witness", []string{"203.0.113.35"})
	s.awaitOpen("witness") // by now the others would be open too
	assertOpen(t, client.IPv4, "tcp 203.0.113.35:80")
	assertClosed(t, client.IPv4, "tcp 203.0.113.33:80", "tcp 203.0.113.34:80")
	s.assign("pending", "203.0.113.33")
	s.awaitOpen("pending")
	assertOpen(t, client.IPv4, "tcp 203.0.113.33:80")
}

// allClosed returns a complaint for the first door that answers.
func allClosed(client lab.Addresses, doors []string) error {
	for _, door := range doors {
		protocol, to := doorOf(door)
		if the.net.Client.Knock(protocol, client.Like(to.Addr()), to, closedPatience) == nil {
			return errOpen(door)
		}
	}
	return nil
}

type errOpen string

func (e errOpen) Error() string { return string(e) + " is open" }
