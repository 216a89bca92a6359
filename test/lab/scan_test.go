package lab

import (
	"net/netip"
	"testing"
	"time"
)

// ports is how many a full scan tries.
const ports = 65535

func TestScan(t *testing.T) {
	network := topology(t, 2)
	gateway := network.Gateways[1]
	addresses := []netip.Addr{netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("2001:db8:1b::5")}
	full := Scan{Via: gateway, Destinations: addresses}
	scan := func(t *testing.T, scan Scan) Packets {
		t.Helper()
		started := time.Now()
		arrived, err := network.Scan(scan)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d arrived, after %s", len(arrived), time.Since(started))
		return arrived
	}

	t.Run("all arrive without a ruleset", func(t *testing.T) {
		if arrived := scan(t, full); len(arrived) != len(addresses)*len(Protocols)*ports {
			t.Errorf("%d arrived of %d", len(arrived), len(addresses)*len(Protocols)*ports)
		}
	})

	t.Run("none arrives when all is dropped", func(t *testing.T) {
		if err := gateway.Nft("table inet closed { chain c { type filter hook forward priority 0; policy drop; }; }"); err != nil {
			t.Fatal(err)
		}
		for packet := range scan(t, full) {
			t.Fatalf("%s arrived", packet)
		}
	})

	t.Run("exactly what is accepted arrives", func(t *testing.T) {
		if err := gateway.Nft(`add rule inet closed c ip daddr 203.0.113.5 udp dport 53 accept
add rule inet closed c ip6 daddr 2001:db8:1b::5 sctp dport 65535 ct state new accept
`); err != nil {
			t.Fatal(err)
		}
		want := []Packet{
			{network.Client.Primary.IPv4, addresses[0], UDP, 53},
			{network.Client.Primary.IPv6, addresses[1], SCTP, 65535},
		}
		arrived := scan(t, full)
		for _, packet := range want {
			if _, found := arrived[packet]; !found {
				t.Errorf("%s did not arrive", packet)
			}
		}
		if len(arrived) != len(want) {
			t.Errorf("%d packets arrived", len(arrived))
		}
	})

	t.Run("sources are told apart", func(t *testing.T) {
		sources := []netip.Addr{network.Client.Primary.IPv4, network.Client.Secondary.IPv4}
		arrived := scan(t, Scan{Via: network.Gateways[0], Sources: sources, Destinations: addresses[:1], Protocols: []Protocol{TCP}, FirstPort: 80, LastPort: 80})
		for _, source := range sources {
			packet := Packet{source, addresses[0], TCP, 80}
			if _, found := arrived[packet]; !found {
				t.Errorf("%s did not arrive", packet)
			}
		}
		if len(arrived) != len(sources) {
			t.Errorf("%d packets arrived", len(arrived))
		}
	})
}
