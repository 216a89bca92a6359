package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

// gatewayOf is edge/<name> with hosts h0, h1, ... at the addresses.
func gatewayOf(name string, created int64, addresses ...v1alpha1.HostAddress) v1alpha1.NftGateway {
	gw := gateway()
	gw.Name = name
	gw.CreationTimestamp = born(created)
	gw.Spec.Hosts = nil
	for i, address := range addresses {
		gw.Spec.Hosts = append(gw.Spec.Hosts, v1alpha1.GatewayHost{Name: "h" + string(rune('0'+i)), Address: address})
	}
	return *gw
}

func TestHostConflicts(t *testing.T) {
	onPort := func(gw v1alpha1.NftGateway, port int32) v1alpha1.NftGateway {
		gw.Spec.SSH.Port = port
		return gw
	}
	key := func(name string) GatewayKey { return GatewayKey{"edge", name} }
	tests := []struct {
		name     string
		gateways []v1alpha1.NftGateway
		want     map[GatewayKey][]HostConflict
	}{
		{name: "different hosts", gateways: []v1alpha1.NftGateway{gatewayOf("a", 1, "198.51.100.1"), gatewayOf("b", 2, "198.51.100.2")}},
		{name: "different ports", gateways: []v1alpha1.NftGateway{gatewayOf("a", 1, "198.51.100.1"), onPort(gatewayOf("b", 2, "198.51.100.1"), 2222)}},
		{name: "one gateway that names a host twice", gateways: []v1alpha1.NftGateway{gatewayOf("a", 1, "198.51.100.1", "198.51.100.1")}},
		{name: "the newer one is refused, whatever the order",
			gateways: []v1alpha1.NftGateway{gatewayOf("a", 2, "198.51.100.9", "198.51.100.1"), gatewayOf("b", 1, "198.51.100.1")},
			want: map[GatewayKey][]HostConflict{key("a"): {{Host: "h1", Holder: key("b"),
				Message: `spec.hosts: "198.51.100.1" port 22 is already a host of the older NftGateway edge/b; remove it from one of the two`}}}},
		{name: "of the same second, the name decides",
			gateways: []v1alpha1.NftGateway{gatewayOf("b", 1, "198.51.100.1"), gatewayOf("a", 1, "198.51.100.1")},
			want: map[GatewayKey][]HostConflict{key("b"): {{Host: "h0", Holder: key("a"),
				Message: `spec.hosts: "198.51.100.1" port 22 is already a host of the older NftGateway edge/a; remove it from one of the two`}}}},
		{name: "the default port written out",
			gateways: []v1alpha1.NftGateway{gatewayOf("a", 1, "198.51.100.1"), onPort(gatewayOf("b", 2, "198.51.100.1"), 22)},
			want: map[GatewayKey][]HostConflict{key("b"): {{Host: "h0", Holder: key("a"),
				Message: `spec.hosts: "198.51.100.1" port 22 is already a host of the older NftGateway edge/a; remove it from one of the two`}}}},
		{name: "spellings of one address and of one name",
			gateways: []v1alpha1.NftGateway{gatewayOf("a", 1, "2001:db8::1", "gw1.example.org"), gatewayOf("b", 2, "2001:0DB8:0::1", "GW1.example.org")},
			want: map[GatewayKey][]HostConflict{key("b"): {
				{Host: "h0", Holder: key("a"), Message: `spec.hosts: "2001:db8::1" port 22 is already a host of the older NftGateway edge/a; remove it from one of the two`},
				{Host: "h1", Holder: key("a"), Message: `spec.hosts: "gw1.example.org" port 22 is already a host of the older NftGateway edge/a; remove it from one of the two`},
			}}},
		{name: "a refused gateway keeps its other hosts",
			gateways: []v1alpha1.NftGateway{gatewayOf("a", 1, "198.51.100.1"), gatewayOf("b", 2, "198.51.100.1", "198.51.100.2"), gatewayOf("c", 3, "198.51.100.2")},
			want: map[GatewayKey][]HostConflict{
				key("b"): {{Host: "h0", Holder: key("a"), Message: `spec.hosts: "198.51.100.1" port 22 is already a host of the older NftGateway edge/a; remove it from one of the two`}},
				key("c"): {{Host: "h0", Holder: key("b"), Message: `spec.hosts: "198.51.100.2" port 22 is already a host of the older NftGateway edge/b; remove it from one of the two`}},
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			if want == nil {
				want = map[GatewayKey][]HostConflict{}
			}
			if diff := cmp.Diff(want, HostConflicts(tt.gateways)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
