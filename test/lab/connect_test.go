package lab

import (
	"net/netip"
	"testing"
	"time"
)

// TestADoorIsSeenToOpenAndClose by new connections, by what they are in a second,
// and by what arrives.
func TestADoorIsSeenToOpenAndClose(t *testing.T) {
	network := topology(t, 1)
	gateway, door := network.Gateways[0], netip.MustParseAddrPort("203.0.113.40:80")
	server, err := network.Node.Serve(TCP, door)
	must(t, err)
	assertThrough(t, network, door, true)
	must(t, server.Close())
	rate, err := network.MeasureConnections(t.Context(), 200, 5*time.Second, door)
	must(t, err)
	if rate <= 0 {
		t.Errorf("%.0f new connections in a second", rate)
	}
	if len(arrivedThrough(t, network, door)) != 1 {
		t.Error("nothing arrived")
	}

	must(t, gateway.Nft("table inet closed { chain forward { type filter hook forward priority 0; policy drop; }\n}\n"))
	assertThrough(t, network, door, false)
	if got := arrivedThrough(t, network, door); len(got) != 0 {
		t.Errorf("through a closed gateway came %v", got)
	}
}

func assertThrough(t *testing.T, network *Topology, door netip.AddrPort, want bool) {
	t.Helper()
	must(t, network.Client.Do(func() error {
		through, err := TryHere(door, 500*time.Millisecond)
		if err == nil && through != want {
			t.Errorf("a connection came about: %t", through)
		}
		return err
	}))
}

// arrivedThrough fires at the door for a while, by UDP.
func arrivedThrough(t *testing.T, network *Topology, door netip.AddrPort) map[Arrival]time.Time {
	t.Helper()
	arrivals, err := network.Node.NoteArrivals()
	must(t, err)
	volley, err := network.Fire(network.Gateways[0], 40000, Pace{1, 5 * time.Millisecond}, Target{
		From: network.Client.Primary.IPv4, To: door.Addr(), Protocols: []Protocol{UDP}, FirstPort: door.Port(), LastPort: door.Port(),
	})
	must(t, err)
	time.Sleep(500 * time.Millisecond)
	must(t, volley.Close())
	must(t, arrivals.Close())
	return arrivals.First()
}
