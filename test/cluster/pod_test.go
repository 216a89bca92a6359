package cluster

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestAClientReachesAPod through each gateway, by both families, with its own
// address, and nothing else.
func TestAClientReachesAPod(t *testing.T) {
	installed(t)
	serve(t, "web", "203.0.113.10,2001:db8:1b::10", "tcp/80", "udp/53")
	for _, gateway := range the.net.Gateways {
		must(t, the.net.Via(gateway))
		for _, address := range []string{"203.0.113.10", "2001:db8:1b::10"} {
			for _, port := range []string{"tcp/80", "udp/53"} {
				if err := knock(port, address); err != nil {
					t.Errorf("through %s: %s of %s: %v", gateway.Name, port, address, err)
				}
			}
		}
		wantOnly(t, gateway)
	}
	must(t, the.net.Via(the.net.Gateways[0]))
	logs := kubectl(t, "--namespace", shop, "logs", "deployment/web")
	for _, line := range []string{
		"tcp/80 from 198.51.100.10", "udp/53 from 198.51.100.10", "tcp/80 from 2001:db8:c::10", "udp/53 from 2001:db8:c::10",
	} {
		if strings.Count(logs, line+"\n") < len(the.net.Gateways) {
			t.Errorf("the Pod did not see %q for each gateway:\n%s", line, logs)
		}
	}
}

// wantOnly scans every port of the addresses: packets to nothing else come as far
// as the node.
func wantOnly(t *testing.T, by *lab.Gateway) {
	t.Helper()
	destinations := []netip.Addr{netip.MustParseAddr("203.0.113.10"), netip.MustParseAddr("2001:db8:1b::10")}
	got, err := the.net.Scan(lab.Scan{Via: by, Destinations: destinations})
	must(t, err)
	for packet := range got {
		open := packet.Protocol == lab.TCP && packet.Port == 80 || packet.Protocol == lab.UDP && packet.Port == 53
		if !open {
			t.Errorf("through %s: %s comes through", by.Name, packet)
		}
	}
	if len(got) != 4 {
		t.Errorf("through %s: %d kinds of packets come through, want 4", by.Name, len(got))
	}
}
