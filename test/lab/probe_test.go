package lab

import (
	"net/netip"
	"testing"
	"time"
)

const (
	patience   = 5 * time.Second
	impatience = 300 * time.Millisecond
)

func TestKnock(t *testing.T) {
	network := topology(t, 2)
	for _, at := range []string{"203.0.113.20:8080", "[2001:db8:1b::20]:8080"} {
		for _, protocol := range []Protocol{TCP, UDP} {
			address := netip.MustParseAddrPort(at)
			server, err := network.Node.Serve(protocol, address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = server.Close() }()
			for _, gateway := range network.Gateways {
				if err := network.Via(gateway); err != nil {
					t.Fatal(err)
				}
				for _, source := range []Addresses{network.Client.Primary, network.Client.Secondary} {
					observer, err := network.Node.Observe()
					if err != nil {
						t.Fatal(err)
					}
					from := source.Like(address.Addr())
					if err := network.Client.Knock(protocol, from, address, patience); err != nil {
						t.Errorf("%s from %s to %s by %s: %v", protocol, from, at, gateway.Name, err)
					}
					seen, err := observer.Seen()
					if err != nil {
						t.Fatal(err)
					}
					if _, found := seen[Packet{from, address.Addr(), protocol, address.Port()}]; !found {
						t.Errorf("the node did not see %s from %s to %s: %v", protocol, from, at, seen)
					}
					if err := observer.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	closed := netip.MustParseAddrPort("203.0.113.20:8081")
	if err := network.Client.Knock(TCP, netip.Addr{}, closed, patience); err == nil {
		t.Error("a port where nobody serves was reached")
	}
}

func TestBlackHole(t *testing.T) {
	network := topology(t, 1)
	gateway := network.Gateways[0]
	options := login(t, network, gateway.Box)
	target := "root@" + gateway.Cluster.IPv6.String()
	if err := gateway.BlackHole(true); err != nil {
		t.Fatal(err)
	}
	if output, err := runSSH(options, target, "true"); err == nil {
		t.Errorf("a gateway in a black hole answers: %s", output)
	}
	if err := gateway.BlackHole(false); err != nil {
		t.Fatal(err)
	}
	if output, err := runSSH(options, target, "true"); err != nil {
		t.Errorf("a gateway out of the black hole does not answer: %v: %s", err, output)
	}
}
