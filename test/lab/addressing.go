package lab

import (
	"net"
	"net/netip"
	"strings"
)

// The networks of the lab: documentation ranges only. README.md has a picture.
var (
	// ClusterNetworks is the side of the gateways where the node, the operator
	// and the API server are.
	ClusterNetworks = prefixes("192.0.2.0/24", "2001:db8:2::/64")
	// PublicNetworks is the side of the gateways where the client is.
	PublicNetworks = prefixes("198.51.100.0/24", "2001:db8:c::/64")
	// LoadBalancerNetworks hold the Services' addresses. The node answers on
	// every one of them.
	LoadBalancerNetworks = prefixes("203.0.113.0/24", "2001:db8:1b::/64")
	// ServiceNetworks are the API server's for cluster addresses. Only on the
	// node, where kube-proxy is, packets use them.
	ServiceNetworks = prefixes("198.18.0.0/16", "2001:db8:5c::/112")
	// PodNetworks are those of the Pods on the node. Others see the node's
	// addresses instead.
	PodNetworks = prefixes("198.19.0.0/24", "2001:db8:90d::/64")
)

// Host parts of the addresses.
const (
	operatorNumber      = 1
	nodeNumber          = 2
	firstGatewayCluster = 11  // gw1
	firstGatewayPublic  = 201 // gw1
	firstBox            = 101
)

// The client's source addresses.
var (
	clientPrimary   = prefixes("198.51.100.10/24", "2001:db8:c::10/64")
	clientSecondary = prefixes("198.51.100.77/24", "2001:db8:c::77/64")
)

// Addresses is one IPv4 and one IPv6 address of the same interface.
type Addresses struct {
	IPv4, IPv6 netip.Addr
}

// All lists both addresses.
func (a Addresses) All() []netip.Addr { return []netip.Addr{a.IPv4, a.IPv6} }

// Like returns the one of the same family as other.
func (a Addresses) Like(other netip.Addr) netip.Addr {
	if other.Is4() {
		return a.IPv4
	}
	return a.IPv6
}

func operatorAddresses() Addresses { return addressesOf(numbered(ClusterNetworks, operatorNumber)) }

func addressesOf(of []netip.Prefix) Addresses {
	return Addresses{IPv4: of[0].Addr(), IPv6: of[1].Addr()}
}

// numbered gives the interface addresses with the given decimal host part:
// number 11 is 192.0.2.11/24 and 2001:db8:2::11/64, digit for digit.
func numbered(networks []netip.Prefix, number int) []netip.Prefix {
	four := networks[0].Addr().As4()
	four[3] = byte(number)
	six := networks[1].Addr().As16()
	six[14], six[15] = byte(number/100), byte(number/10%10<<4|number%10)
	return []netip.Prefix{
		netip.PrefixFrom(netip.AddrFrom4(four), networks[0].Bits()),
		netip.PrefixFrom(netip.AddrFrom16(six), networks[1].Bits()),
	}
}

func prefixes(texts ...string) []netip.Prefix {
	var parsed []netip.Prefix
	for _, text := range texts {
		parsed = append(parsed, netip.MustParsePrefix(text))
	}
	return parsed
}

func ipNet(prefix netip.Prefix) *net.IPNet {
	return &net.IPNet{
		IP:   prefix.Addr().AsSlice(),
		Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen()),
	}
}

func commaSeparated(networks []netip.Prefix) string {
	var texts []string
	for _, network := range networks {
		texts = append(texts, network.String())
	}
	return strings.Join(texts, ",")
}
