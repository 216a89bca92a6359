package lab

import (
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
)

// newTap plugs a network card into a bridge. It is there while the file is
// open: with qemu it goes.
func newTap(bridge *netlink.Bridge, name string) (*os.File, error) {
	tap := &netlink.Tuntap{
		LinkAttrs: netlink.LinkAttrs{Name: name},
		Mode:      netlink.TUNTAP_MODE_TAP, NonPersist: true, Queues: 1,
		Flags: netlink.TUNTAP_NO_PI | netlink.TUNTAP_VNET_HDR,
	}
	if err := netlink.LinkAdd(tap); err != nil {
		return nil, fmt.Errorf("make network card %s: %w; the lab needs /dev/net/tun", name, err)
	}
	if err := netlink.LinkSetMaster(tap, bridge); err != nil {
		return nil, fmt.Errorf("plug %s into bridge %s: %w", name, bridge.Name, err)
	}
	return tap.Fds[0], netlink.LinkSetUp(tap)
}

// networkFile configures one of a machine's interfaces for systemd-networkd.
func networkFile(link string, addresses []netip.Prefix, routes map[netip.Prefix]netip.Addr) string {
	var text strings.Builder
	fmt.Fprintf(&text, "[Match]\nName=%s\n\n[Network]\nIPv6AcceptRA=no\n", link)
	for _, address := range addresses {
		fmt.Fprintf(&text, "\n[Address]\nAddress=%s\nDuplicateAddressDetection=none\n", address)
	}
	for network, by := range routes {
		fmt.Fprintf(&text, "\n[Route]\nDestination=%s\nGateway=%s\n", network, by)
	}
	return text.String()
}

// loadBalancerRoutes lead to the node, which answers for all of them.
func loadBalancerRoutes(node *Node) map[netip.Prefix]netip.Addr {
	routes := map[netip.Prefix]netip.Addr{}
	for _, network := range LoadBalancerNetworks {
		routes[network] = node.Addresses.Like(network.Addr())
	}
	return routes
}
