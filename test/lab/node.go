package lab

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Node is the cluster's node: it takes every address of the load balancer
// networks for its own.
type Node struct {
	*Namespace
	Addresses Addresses
}

var everywhere = prefixes("0.0.0.0/0", "::/0")

func (t *Topology) newNode() (*Node, error) {
	namespace, err := NewNamespace("node")
	if err != nil {
		return nil, err
	}
	addresses := numbered(ClusterNetworks, nodeNumber)
	node := &Node{Namespace: namespace, Addresses: addressesOf(addresses)}
	if err := plug(t.cluster, namespace, "eth0", addresses...); err != nil {
		return nil, err
	}
	// Servers listen on addresses that no interface carries.
	for _, family := range []string{"ipv4", "ipv6"} {
		if err := namespace.Sysctl(family+"/ip_nonlocal_bind", "1"); err != nil {
			return nil, err
		}
	}
	return node, node.takeLocally(LoadBalancerNetworks)
}

// takeLocally makes every address of the networks the node's own.
func (n *Node) takeLocally(networks []netip.Prefix) error {
	loopback, err := n.links.LinkByName("lo")
	if err != nil {
		return err
	}
	for _, network := range networks {
		err := n.links.RouteAdd(&netlink.Route{
			Dst: ipNet(network), LinkIndex: loopback.Attrs().Index,
			Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: netlink.SCOPE_HOST,
		})
		if err != nil {
			return fmt.Errorf("take %s for the node's own: %w", network, err)
		}
	}
	return nil
}

// Via sends the node's packets, replies too, back through one gateway.
func (n *Node) Via(gateway Router) error {
	_, cluster := gateway.Sides()
	for _, network := range everywhere {
		if err := n.replaceRoute(network, cluster.Like(network.Addr())); err != nil {
			return err
		}
	}
	return nil
}
