package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"

	"github.com/vishvananda/netlink"
)

// Layout says how big a topology is.
type Layout struct {
	// Gateways is the number of gateway hosts, gw1, gw2 and so on; at most 50.
	// Where there is none, [Topology.NewMachine] makes one.
	Gateways int
}

// Topology is the lab's network: the gateways between a public side with the
// client and a cluster side with the node, and this process, where operator and
// API server run, on the cluster side too.
type Topology struct {
	Gateways []*Gateway
	Client   *Client
	Node     *Node
	// Operator is this process's addresses on the cluster side.
	Operator Addresses
	// Key logs in to every gateway and box.
	Key Key

	public, cluster *netlink.Bridge
	boxes           []*Box
}

const (
	publicBridge  = "public"
	clusterBridge = "cluster"
)

// NewTopology builds a topology with every gateway's sshd answering, and the
// first gateway, if any, on the way between client and node. There can be one at a time
// in a process.
func NewTopology(layout Layout) (*Topology, error) {
	if err := findTools("nft", "nsenter", "sshd"); err != nil {
		return nil, err
	}
	if layout.Gateways < 0 || layout.Gateways > 50 {
		return nil, fmt.Errorf("a topology has 0 to 50 gateways, not %d", layout.Gateways)
	}
	t := &Topology{Operator: operatorAddresses()}
	if err := t.build(layout); err != nil {
		return nil, err
	}
	if layout.Gateways == 0 {
		return t, nil
	}
	return t, t.Via(t.Gateways[0])
}

func (t *Topology) build(layout Layout) (err error) {
	if t.Key, err = NewKey("lab"); err != nil {
		return err
	}
	if t.public, err = newBridge(publicBridge); err != nil {
		return err
	}
	if t.cluster, err = newBridge(clusterBridge, numbered(ClusterNetworks, operatorNumber)...); err != nil {
		return err
	}
	if t.Client, err = t.newClient(); err != nil {
		return err
	}
	if t.Node, err = t.newNode(); err != nil {
		return err
	}
	for number := 1; number <= layout.Gateways; number++ {
		gateway, err := t.newGateway(number)
		if err != nil {
			return err
		}
		t.Gateways = append(t.Gateways, gateway)
	}
	return nil
}

// Router is what packets can be sent through.
type Router interface {
	// Sides are its addresses on the public and on the cluster side.
	Sides() (public, cluster Addresses)
	// publicLink is its link-layer address on the public side.
	publicLink() (net.HardwareAddr, error)
}

// Via sends the client's packets to the load balancer and cluster networks, and
// the node's packets to everywhere, through one gateway.
func (t *Topology) Via(gateway Router) error {
	if err := t.Client.Via(gateway); err != nil {
		return err
	}
	return t.Node.Via(gateway)
}

// Close takes the topology away, so that another can be built. A program that
// ends need not call it.
func (t *Topology) Close() error {
	// Cables first: the kernel removes those of a closed namespace later, and
	// the next topology's have the same names.
	for _, bridge := range []*netlink.Bridge{t.public, t.cluster} {
		if err := removeBridge(bridge); err != nil {
			return err
		}
	}
	for _, box := range t.boxes {
		if err := box.Close(); err != nil {
			return err
		}
	}
	return errors.Join(t.Client.Close(), t.Node.Close())
}

func removeBridge(bridge *netlink.Bridge) error {
	links, err := netlink.LinkList()
	if err != nil {
		return err
	}
	for _, link := range links {
		if link.Attrs().MasterIndex != bridge.Index {
			continue
		}
		if err := netlink.LinkDel(link); err != nil {
			return fmt.Errorf("unplug %s: %w", link.Attrs().Name, err)
		}
	}
	if err := netlink.LinkDel(bridge); err != nil {
		return fmt.Errorf("remove bridge %s: %w", bridge.Name, err)
	}
	return nil
}

func newBridge(name string, addresses ...netip.Prefix) (*netlink.Bridge, error) {
	// A bridge that snoops without a querier forgets who listens for neighbour
	// discovery.
	snooping := false
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}, MulticastSnooping: &snooping}
	if err := netlink.LinkAdd(bridge); err != nil {
		return nil, fmt.Errorf("make bridge %s: %w", name, err)
	}
	for _, address := range addresses {
		if err := addAddress(&netlink.Handle{}, bridge, address); err != nil {
			return nil, err
		}
	}
	return bridge, netlink.LinkSetUp(bridge)
}

// portName is what the bridge's end of a cable is called.
func portName(namespace *Namespace, link string) string { return namespace.Name + "-" + link }

// plug connects a namespace to a bridge.
func plug(bridge *netlink.Bridge, namespace *Namespace, link string, addresses ...netip.Prefix) error {
	cable := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: portName(namespace, link), MasterIndex: bridge.Index},
		PeerName:      link,
		PeerNamespace: netlink.NsFd(namespace.handle),
	}
	if err := netlink.LinkAdd(cable); err != nil {
		return fmt.Errorf("plug %s of %s into bridge %s: %w", link, namespace.Name, bridge.Name, err)
	}
	if err := netlink.LinkSetUp(cable); err != nil {
		return err
	}
	for _, address := range addresses {
		if err := namespace.AddAddress(link, address); err != nil {
			return err
		}
	}
	return namespace.setUp(link)
}

// replaceRoute sends what is meant for a network to a neighbour.
func (n *Namespace) replaceRoute(network netip.Prefix, by netip.Addr) error {
	err := n.links.RouteReplace(&netlink.Route{Dst: ipNet(network), Gw: by.AsSlice()})
	if err != nil {
		return fmt.Errorf("route %s by %s in namespace %s: %w", network, by, n.Name, err)
	}
	return nil
}

func findTools(names ...string) error {
	packages := map[string]string{"nft": "nftables", "nsenter": "util-linux", "sshd": "openssh-server"}
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("the lab needs %s: apt-get install %s, and have /usr/sbin in PATH", name, packages[name])
		}
	}
	return nil
}
