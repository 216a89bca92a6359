package plan

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

func allowed(cidrs ...v1alpha1.CIDR) func(*v1alpha1.NftGatewaySpec) {
	return func(spec *v1alpha1.NftGatewaySpec) { spec.Services.AllowedCIDRs = cidrs }
}

func TestFirewallDefaults(t *testing.T) {
	got := planFor(t, gateway()).Firewall
	want := Firewall{
		DefaultAction:          v1alpha1.DefaultActionDrop,
		EstablishedConnections: v1alpha1.EstablishedKeep,
		LoadBalancerRanges:     got.LoadBalancerRanges,
		GatewayEcho:            v1alpha1.EchoLimit,
		ServiceEcho:            v1alpha1.EchoDrop,
		EchoPerSecond:          10,
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	wantLines(t, "load balancer ranges", prefixTexts(got.LoadBalancerRanges), []string{"192.0.2.0/24", "2001:db8::/32"})
}

func TestFirewallAsWritten(t *testing.T) {
	got := planFor(t, gateway(func(spec *v1alpha1.NftGatewaySpec) {
		spec.Services.AllowedCIDRs = []v1alpha1.CIDR{"192.0.2.128/25", "192.0.2.0/25"}
		spec.Firewall = v1alpha1.Firewall{
			DefaultAction:          v1alpha1.DefaultActionAccept,
			EstablishedConnections: v1alpha1.EstablishedTerminate,
			ManagementCIDRs:        []v1alpha1.CIDR{"2001:db8:9::/48", "198.51.100.5/24"},
			SSH:                    v1alpha1.PublicSSH{PublicAccess: v1alpha1.PublicAccessAllow, Sources: []v1alpha1.CIDR{"::/0", "0.0.0.0/0", "198.51.100.0/24"}},
			BGP:                    v1alpha1.PublicBGP{PublicAccess: v1alpha1.PublicAccessAllow, Peers: []v1alpha1.IPAddress{"2001:db8::1", "203.0.113.1", "203.0.113.0"}},
			ICMP:                   v1alpha1.ICMP{GatewayEcho: v1alpha1.EchoDrop, ServiceEcho: v1alpha1.EchoLimit, EchoPerSecond: 10000},
		}
	})).Firewall

	if got.DefaultAction != "Accept" || got.EstablishedConnections != "Terminate" || got.GatewayEcho != "Drop" || got.ServiceEcho != "Limit" || got.EchoPerSecond != 10000 {
		t.Errorf("words and numbers: %+v", got)
	}
	wantLines(t, "load balancer ranges", prefixTexts(got.LoadBalancerRanges), []string{"192.0.2.0/24"})
	wantLines(t, "management", prefixTexts(got.Management), []string{"198.51.100.0/24", "2001:db8:9::/48"})
	wantLines(t, "SSH sources", prefixTexts(got.SSHSources), []string{"0.0.0.0/0", "::/0"})
	wantLines(t, "BGP peers", prefixTexts(got.BGPPeers), []string{"203.0.113.0/31", "2001:db8::1/128"})
}

// The API server refuses sources under Deny; if they come all the same, Deny counts.
func TestDenyCountsWhateverSourcesSay(t *testing.T) {
	got := planFor(t, gateway(func(spec *v1alpha1.NftGatewaySpec) {
		spec.Firewall.SSH.Sources = []v1alpha1.CIDR{"0.0.0.0/0"}
		spec.Firewall.BGP = v1alpha1.PublicBGP{PublicAccess: v1alpha1.PublicAccessDeny, Peers: []v1alpha1.IPAddress{"203.0.113.1"}}
	})).Firewall
	wantLines(t, "SSH sources", prefixTexts(got.SSHSources), nil)
	wantLines(t, "BGP peers", prefixTexts(got.BGPPeers), nil)
}

func TestSpecThatMakesNoSense(t *testing.T) {
	tests := []struct {
		name string
		edit func(*v1alpha1.NftGatewaySpec)
		err  string
	}{
		{"no allowedCIDRs", allowed(), "spec.services.allowedCIDRs: is empty; write the ranges that load balancer addresses come from"},
		{"bad allowedCIDRs", allowed("192.0.2.0/24", "192.0.2.1"), `spec.services.allowedCIDRs[1]: "192.0.2.1" has no prefix length; write 192.0.2.1/32 for this one address`},
		{"IPv4-mapped allowedCIDRs", allowed("::ffff:192.0.2.0/120"), `spec.services.allowedCIDRs[0]: "::ffff:192.0.2.0/120" is an IPv4-mapped IPv6 range; write it as IPv4, such as 198.51.100.0/24`},
		{"bad managementCIDRs", func(s *v1alpha1.NftGatewaySpec) { s.Firewall.ManagementCIDRs = []v1alpha1.CIDR{"10.0.0.0/33"} },
			`spec.firewall.managementCIDRs[0]: "10.0.0.0/33" has a bad prefix length; write address/length with a length from 0 to 32, without leading zeros`},
		{"bad SSH sources", func(s *v1alpha1.NftGatewaySpec) {
			s.Firewall.SSH = v1alpha1.PublicSSH{PublicAccess: "Allow", Sources: []v1alpha1.CIDR{"0.0.0.0/0", "x"}}
		}, `spec.firewall.ssh.sources[1]: "x" is not a range; write address/length without leading zeros, such as 198.51.100.0/24 or 2001:db8::/32`},
		{"SSH for nobody in particular", func(s *v1alpha1.NftGatewaySpec) { s.Firewall.SSH.PublicAccess = "Allow" },
			"spec.firewall.ssh.sources: is empty; write who may connect, 0.0.0.0/0 and ::/0 for everybody, or publicAccess: Deny"},
		{"bad SSH access", func(s *v1alpha1.NftGatewaySpec) { s.Firewall.SSH.PublicAccess = "allow" },
			`spec.firewall.ssh.publicAccess: "allow" is not known; write Deny or Allow`},
		{"bad BGP peer", func(s *v1alpha1.NftGatewaySpec) {
			s.Firewall.BGP = v1alpha1.PublicBGP{PublicAccess: "Allow", Peers: []v1alpha1.IPAddress{"fe80::1%eth0"}}
		}, `spec.firewall.bgp.peers[0]: "fe80::1%eth0" has a zone; write it without: fe80::1`},
		{"BGP without peers", func(s *v1alpha1.NftGatewaySpec) { s.Firewall.BGP.PublicAccess = "Allow" },
			"spec.firewall.bgp.peers: is empty; write the addresses of the BGP peers, or publicAccess: Deny"},
		{"bad BGP access", func(s *v1alpha1.NftGatewaySpec) { s.Firewall.BGP.PublicAccess = "Yes" },
			`spec.firewall.bgp.publicAccess: "Yes" is not known; write Deny or Allow`},
		{"bad default action", func(s *v1alpha1.NftGatewaySpec) { s.Firewall.DefaultAction = "accept; flush ruleset" },
			`spec.firewall.defaultAction: "accept; flush ruleset" is not known; write Drop or Accept`},
		{"bad established connections", func(s *v1alpha1.NftGatewaySpec) { s.Firewall.EstablishedConnections = "Kill" },
			`spec.firewall.establishedConnections: "Kill" is not known; write Keep or Terminate`},
		{"bad gateway echo", func(s *v1alpha1.NftGatewaySpec) { s.Firewall.ICMP.GatewayEcho = "Accept" },
			`spec.firewall.icmp.gatewayEcho: "Accept" is not known; write Limit or Drop`},
		{"bad Service echo", func(s *v1alpha1.NftGatewaySpec) { s.Firewall.ICMP.ServiceEcho = "Accept" },
			`spec.firewall.icmp.serviceEcho: "Accept" is not known; write Drop or Limit`},
		{"bad echo rate", func(s *v1alpha1.NftGatewaySpec) { s.Firewall.ICMP.EchoPerSecond = -1 },
			"spec.firewall.icmp.echoPerSecond: -1 is out of range; write a number from 1 to 10000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ForGateway(gateway(tt.edit), nil, nil)
			wantError(t, err, tt.err)
			var specError *SpecError
			if !errors.As(err, &specError) {
				t.Errorf("%T is not a *SpecError", err)
			}
		})
	}
}
