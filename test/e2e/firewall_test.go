package e2e

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// gatewayDoor is a port of the first gateway itself, seen from the public side.
func gatewayDoor(port uint16) string {
	return "tcp " + netip.AddrPortFrom(the.net.Gateways[0].Public.IPv4, port).String()
}

// serveOnGateway starts an echo server on the first gateway.
func serveOnGateway(t *testing.T, door string) {
	t.Helper()
	protocol, at := doorOf(door)
	server, err := the.net.Gateways[0].Serve(protocol, at)
	must(t, err)
	t.Cleanup(func() { _ = server.Close() })
}

func TestTheGatewayItselfIsClosedFromOutside(t *testing.T) {
	awaitGateway(t, edge)
	primary, secondary := the.net.Client.Primary.IPv4, the.net.Client.Secondary.IPv4
	bgp, ssh, other := gatewayDoor(179), gatewayDoor(22), gatewayDoor(9999)
	serveOnGateway(t, bgp)
	serveOnGateway(t, other)
	assertClosed(t, primary, bgp, ssh, other)
	assertPing(t, true, primary, the.net.Gateways[0].Public.IPv4)

	editEdge(t, func(g *v1alpha1.NftGateway) {
		g.Spec.Firewall.SSH = v1alpha1.PublicSSH{PublicAccess: v1alpha1.PublicAccessAllow, Sources: []v1alpha1.CIDR{"198.51.100.77/32"}}
		g.Spec.Firewall.BGP = v1alpha1.PublicBGP{PublicAccess: v1alpha1.PublicAccessAllow, Peers: []v1alpha1.IPAddress{"198.51.100.77"}}
		g.Spec.Firewall.ICMP.GatewayEcho = v1alpha1.EchoDrop
	})
	awaitGateway(t, edge)
	assertOpen(t, secondary, bgp)
	assertSSHAnswers(t, secondary, ssh)
	assertClosed(t, primary, bgp, ssh, other)
	assertClosed(t, secondary, other)
	assertPing(t, false, primary, the.net.Gateways[0].Public.IPv4)
}

func TestManagementPassesAnyLocalChain(t *testing.T) {
	awaitGateway(t, edge)
	ssh := gatewayDoor(22)
	editEdge(t, func(g *v1alpha1.NftGateway) {
		g.Spec.Firewall.ManagementCIDRs = []v1alpha1.CIDR{"198.51.100.77/32"}
	})
	editLocalChain(t, "chain local-chain {\n\ttcp dport 22 drop\n\tip saddr 192.0.2.0/24 drop\n}\n")
	awaitGateway(t, edge)
	await(t, "the local chain to be in force", func() error {
		listing, err := the.net.Gateways[0].Exec("nft", "list", "chain", "inet", "nft_operator", "local-chain")
		if err == nil && !strings.Contains(listing, "dport 22 drop") {
			return errOpen(listing)
		}
		return err
	})
	assertSSHAnswers(t, the.net.Client.Secondary.IPv4, ssh)
	assertClosed(t, the.net.Client.Primary.IPv4, ssh)
	checkNow(t, edge) // from the cluster side the operator still gets in
	awaitGateway(t, edge)
}

func TestPingOfAServiceAddress(t *testing.T) {
	s := openShop(t)
	must(t, the.net.Via(the.net.Gateways[0]))
	s.service("web", []string{"203.0.113.80"})
	s.awaitOpen("web")
	from, open, other := the.net.Client.Primary.IPv4, netip.MustParseAddr("203.0.113.80"), netip.MustParseAddr("203.0.113.81")
	assertPing(t, false, from, open)
	editEdge(t, func(g *v1alpha1.NftGateway) { g.Spec.Firewall.ICMP.ServiceEcho = v1alpha1.EchoLimit })
	awaitGateway(t, edge)
	assertPing(t, true, from, open)
	assertPing(t, false, from, other)
}

func TestAcceptLetsEverythingPassAndCounts(t *testing.T) {
	serve(t, "tcp 203.0.113.82:80")
	must(t, the.net.Via(the.net.Gateways[0]))
	awaitGateway(t, edge)
	from := the.net.Client.Primary.IPv4
	assertClosed(t, from, "tcp 203.0.113.82:80")
	editEdge(t, func(g *v1alpha1.NftGateway) { g.Spec.Firewall.DefaultAction = v1alpha1.DefaultActionAccept })
	awaitGateway(t, edge)
	assertOpen(t, from, "tcp 203.0.113.82:80")
	listing, err := the.net.Gateways[0].Exec("nft", "list", "counter", "inet", "nft_operator", "no_service")
	if err != nil || strings.Contains(listing, "packets 0 ") {
		t.Errorf("what would be dropped is not counted: %s %v", listing, err)
	}
}

func TestEstablishedConnectionsAreKeptOrTerminated(t *testing.T) {
	must(t, the.net.Via(the.net.Gateways[0]))
	for policy, lives := range map[v1alpha1.EstablishedConnections]bool{v1alpha1.EstablishedKeep: true, v1alpha1.EstablishedTerminate: false} {
		t.Run(string(policy), func(t *testing.T) {
			s := openShop(t)
			editEdge(t, func(g *v1alpha1.NftGateway) { g.Spec.Firewall.EstablishedConnections = policy })
			awaitGateway(t, edge)
			door := "tcp 203.0.113.83:80"
			serve(t, door)
			s.service("web", []string{"203.0.113.83"})
			s.awaitOpen("web")
			protocol, to := doorOf(door)
			inbound, err := the.net.Client.Dial(protocol, the.net.Client.Primary.IPv4, to, openPatience)
			must(t, err)
			defer func() { _ = inbound.Close() }()
			must(t, lab.Echo(inbound, openPatience))
			outbound := dialOut(t)

			s.remove("web")
			await(t, "the door to close", func() error { return allClosed(the.net.Client.Primary, []string{door}) })
			if err := lab.Echo(inbound, time.Second); (err == nil) != lives {
				t.Errorf("the connection lives: %v, want %v (%v)", err == nil, lives, err)
			}
			if err := lab.Echo(outbound, openPatience); err != nil {
				t.Errorf("a connection that the cluster opened itself is cut: %v", err)
			}
		})
	}
}

// dialOut opens a connection from a load balancer address of the node to a
// server on the public side, as a Pod with such an egress address does.
func dialOut(t *testing.T) net.Conn {
	t.Helper()
	at := netip.AddrPortFrom(the.net.Client.Primary.IPv4, 7777)
	server, err := the.net.Client.Serve(lab.TCP, at)
	must(t, err)
	t.Cleanup(func() { _ = server.Close() })
	connection, err := the.net.Node.Dial(lab.TCP, netip.MustParseAddr("203.0.113.84"), at, openPatience)
	must(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	must(t, lab.Echo(connection, openPatience))
	return connection
}

// assertSSHAnswers fails unless an SSH server greets behind the door.
func assertSSHAnswers(t *testing.T, from netip.Addr, door string) {
	t.Helper()
	protocol, to := doorOf(door)
	connection, err := the.net.Client.Dial(protocol, from, to, openPatience)
	if err != nil {
		t.Errorf("%s is closed for %s: %v", door, from, err)
		return
	}
	defer func() { _ = connection.Close() }()
	must(t, connection.SetReadDeadline(time.Now().Add(openPatience)))
	greeting := make([]byte, 4)
	if _, err := connection.Read(greeting); err != nil || string(greeting) != "SSH-" {
		t.Errorf("%s for %s: greeting %q, %v", door, from, greeting, err)
	}
}

// assertPing fails unless an echo request is answered, or is not, as wanted.
func assertPing(t *testing.T, want bool, from, to netip.Addr) {
	t.Helper()
	err := the.net.Client.Command("ping", "-c", "1", "-W", "1", "-I", from.String(), to.String()).Run()
	if (err == nil) != want {
		t.Errorf("ping of %s is answered: %v, want %v", to, err == nil, want)
	}
}
