package lab

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
)

// Gateway is a box that forwards between eth0, the public side, and eth1, the
// cluster side. It has no ruleset until one is loaded.
type Gateway struct {
	*Box
	// Public are its addresses on the public side.
	Public Addresses
}

// Interfaces of a gateway.
const (
	PublicInterface  = "eth0"
	ClusterInterface = "eth1"
)

func (t *Topology) newGateway(number int) (*Gateway, error) {
	namespace, err := NewNamespace(fmt.Sprintf("gw%d", number))
	if err != nil {
		return nil, err
	}
	public := numbered(PublicNetworks, firstGatewayPublic+number-1)
	if err := plug(t.public, namespace, PublicInterface, public...); err != nil {
		return nil, err
	}
	box, err := t.startBox(namespace, ClusterInterface, numbered(ClusterNetworks, firstGatewayCluster+number-1))
	if err != nil {
		return nil, err
	}
	gateway := &Gateway{Box: box, Public: addressesOf(public)}
	return gateway, gateway.forwardTo(t.Node)
}

// Sides is Router's.
func (g *Gateway) Sides() (public, cluster Addresses) { return g.Public, g.Cluster }

func (g *Gateway) publicLink() (net.HardwareAddr, error) {
	link, err := g.links.LinkByName(PublicInterface)
	if err != nil {
		return nil, err
	}
	return link.Attrs().HardwareAddr, nil
}

func (g *Gateway) forwardTo(node *Node) error {
	for _, name := range []string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"} {
		if err := g.Sysctl(name, "1"); err != nil {
			return err
		}
	}
	for _, network := range LoadBalancerNetworks {
		if err := g.replaceRoute(network, node.Addresses.Like(network.Addr())); err != nil {
			return err
		}
	}
	return nil
}

// BlackHole loses every packet between the box and the cluster side, or stops
// doing so: the box looks dead from there while all of it runs. Its link-layer
// address can still be found, as that of a router before a dead host can: else
// the kernel would soon say "no route" instead of nothing.
func (b *Box) BlackHole(on bool) error {
	table := "black_hole_" + strings.ReplaceAll(b.Name, "-", "_")
	script := fmt.Sprintf("add table netdev %[1]s\ndelete table netdev %[1]s\n", table)
	if on {
		script += fmt.Sprintf(`table netdev %[1]s {
	chain neighbours {
		ether type arp accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
	}
	chain from {
		type filter hook ingress device "%[2]s" priority 0; policy drop;
		jump neighbours
	}
	chain to {
		type filter hook egress device "%[2]s" priority 0; policy drop;
		jump neighbours
	}
}
`, table, b.port)
	}
	return runNft(exec.Command("nft", "-f", "-"), script)
}

// Ruleset lists what the box's kernel enforces, as nft prints it, without
// counters and other state.
func (b *Box) Ruleset() (string, error) {
	return b.Exec("nft", "--stateless", "list", "ruleset")
}
