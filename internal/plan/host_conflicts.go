package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

// HostConflict is a host of one NftGateway that an older one names too. Two
// gateways on one box would take turns in replacing each other's ruleset.
type HostConflict struct {
	// Host is the name of the refused host, as the spec has it.
	Host string
	// Holder is the older NftGateway.
	Holder GatewayKey
	// Message says what is wrong and what to write: printable ASCII, at most
	// 256 bytes.
	Message string
}

// endpoint is where SSH connects to.
type endpoint struct {
	address string
	port    int32
}

// HostConflicts finds the hosts, by address and port, that more than one
// NftGateway names. The oldest one holds them (creationTimestamp, then
// namespace and name), even while it is itself refused for another host, so
// that a correction elsewhere never moves a host from one gateway to another.
// The result has an entry for every NftGateway to refuse, in the order of its
// hosts.
//
// A name and an address of the same box are not recognised as one, and
// gateways whose names are not valid are passed over.
func HostConflicts(gateways []v1alpha1.NftGateway) map[GatewayKey][]HostConflict {
	conflicts := map[GatewayKey][]HostConflict{}
	holders := map[endpoint]GatewayKey{}
	for _, gw := range byAge(gateways) {
		key, err := NewGatewayKey(gw.Namespace, gw.Name)
		if err != nil {
			continue
		}
		for _, host := range gw.Spec.Hosts {
			at := endpointOf(&gw.Spec, host)
			holder, held := holders[at]
			if !held {
				holders[at] = key
			} else if holder != key {
				conflicts[key] = append(conflicts[key], newHostConflict(host, at, holder))
			}
		}
	}
	return conflicts
}

func byAge(gateways []v1alpha1.NftGateway) []*v1alpha1.NftGateway {
	sorted := make([]*v1alpha1.NftGateway, 0, len(gateways))
	for i := range gateways {
		sorted = append(sorted, &gateways[i])
	}
	slices.SortFunc(sorted, func(a, b *v1alpha1.NftGateway) int {
		return cmp.Or(
			a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
			cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return sorted
}

func newHostConflict(host v1alpha1.GatewayHost, at endpoint, holder GatewayKey) HostConflict {
	message := fmt.Sprintf("spec.hosts: %s port %d is already a host of the older NftGateway %s; remove it from one of the two", quote(at.address), at.port, holder)
	return HostConflict{Host: host.Name, Holder: holder, Message: bound(message)}
}

// endpointOf brings the spellings of one address together.
func endpointOf(spec *v1alpha1.NftGatewaySpec, host v1alpha1.GatewayHost) endpoint {
	port := spec.SSHPort(host)
	if port == 0 {
		port = defaultSSHPort
	}
	if address, err := netip.ParseAddr(string(host.Address)); err == nil {
		return endpoint{address.Unmap().String(), port}
	}
	return endpoint{strings.ToLower(strings.TrimSuffix(string(host.Address), ".")), port}
}
