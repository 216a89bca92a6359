package e2e

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestABurstIsAHandfulOfRuns creates 200 Services as fast as the API server
// takes them.
func TestABurstIsAHandfulOfRuns(t *testing.T) {
	const services, most = 200, 8
	s := openShop(t)
	awaitGateway(t, edge)
	before := map[string]float64{}
	for _, gateway := range the.net.Gateways {
		before[gateway.Name] = runs(t, edge+"."+gateway.Name)
	}
	started := time.Now()
	want := lab.Packets{}
	for i := range services {
		address, port := fmt.Sprintf("203.0.113.%d", 100+i%100), fmt.Sprintf("tcp/%d", 2000+i)
		s.service(fmt.Sprintf("s%03d", i), []string{address}, withPorts(port))
		want[lab.Packet{
			Source: the.net.Client.Primary.IPv4, Destination: netip.MustParseAddr(address), Protocol: lab.TCP, Port: uint16(2000 + i),
		}] = struct{}{}
	}
	written := time.Now()
	for i := range services {
		s.awaitOpen(fmt.Sprintf("s%03d", i))
	}
	t.Logf("%d Services were written in %s and open %s later", services,
		written.Sub(started).Round(time.Millisecond), time.Since(written).Round(time.Millisecond))
	for _, gateway := range the.net.Gateways {
		used := runs(t, edge+"."+gateway.Name) - before[gateway.Name]
		t.Logf("%s: %.0f runs", gateway.Name, used)
		if used > most {
			t.Errorf("%s: %.0f runs for one burst, want at most %d", gateway.Name, used, most)
		}
	}
	var destinations []netip.Addr
	for packet := range want {
		destinations = append(destinations, packet.Destination)
	}
	got, err := the.net.Scan(lab.Scan{
		Via: the.net.Gateways[1], Destinations: unique(destinations), Protocols: []lab.Protocol{lab.TCP}, FirstPort: 1900, LastPort: 2300,
	})
	must(t, err)
	assertSamePackets(t, the.net.Gateways[1].Name, want, got)
}

func unique(addresses []netip.Addr) []netip.Addr {
	seen := map[netip.Addr]bool{}
	var once []netip.Addr
	for _, address := range addresses {
		if !seen[address] {
			seen[address] = true
			once = append(once, address)
		}
	}
	return once
}
