package plan

import (
	"fmt"
	"net/netip"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

// Firewall is what a gateway enforces besides Services. Its ranges are merged
// and sorted, IPv4 first.
type Firewall struct {
	DefaultAction          v1alpha1.DefaultAction
	EstablishedConnections v1alpha1.EstablishedConnections
	// Management are the sources that always reach SSH of the gateway host.
	Management []netip.Prefix
	// SSHSources may connect to SSH from the public side.
	SSHSources []netip.Prefix
	// BGPPeers may connect to BGP from the public side.
	BGPPeers []netip.Prefix
	// LoadBalancerRanges are where addresses of Services may be: allowedCIDRs.
	LoadBalancerRanges []netip.Prefix
	GatewayEcho        v1alpha1.EchoAction
	ServiceEcho        v1alpha1.EchoAction
	// EchoPerSecond is per source address, for EchoLimit.
	EchoPerSecond int
}

const (
	defaultEchoPerSecond = 10
	maxEchoPerSecond     = 10000
)

// newFirewall reads spec.firewall and allowedCIDRs. What the API server would
// have defaulted or refused is defaulted or refused here too, because a spec
// can also come from a file.
func newFirewall(spec *v1alpha1.NftGatewaySpec) (Firewall, error) {
	f := &spec.Firewall
	var r specReader
	firewall := Firewall{
		DefaultAction:          oneOf(&r, "spec.firewall.defaultAction", f.DefaultAction, v1alpha1.DefaultActionDrop, v1alpha1.DefaultActionAccept),
		EstablishedConnections: oneOf(&r, "spec.firewall.establishedConnections", f.EstablishedConnections, v1alpha1.EstablishedKeep, v1alpha1.EstablishedTerminate),
		Management:             r.ranges("spec.firewall.managementCIDRs", f.ManagementCIDRs),
		SSHSources:             r.sshSources(&f.SSH),
		BGPPeers:               r.bgpPeers(&f.BGP),
		LoadBalancerRanges:     r.allowedRanges(spec.Services.AllowedCIDRs),
		GatewayEcho:            oneOf(&r, "spec.firewall.icmp.gatewayEcho", f.ICMP.GatewayEcho, v1alpha1.EchoLimit, v1alpha1.EchoDrop),
		ServiceEcho:            oneOf(&r, "spec.firewall.icmp.serviceEcho", f.ICMP.ServiceEcho, v1alpha1.EchoDrop, v1alpha1.EchoLimit),
		EchoPerSecond:          r.echoPerSecond(f.ICMP.EchoPerSecond),
	}
	if r.err != nil {
		return Firewall{}, r.err
	}
	return firewall, nil
}

func (r *specReader) ranges(field string, cidrs []v1alpha1.CIDR) []netip.Prefix {
	prefixes := make([]netip.Prefix, 0, len(cidrs))
	for i, cidr := range cidrs {
		prefix, err := parsePrefix(string(cidr))
		if err != nil {
			r.fail(fmt.Sprintf("%s[%d]", field, i), "%v", err)
			continue
		}
		prefixes = append(prefixes, prefix)
	}
	return mergePrefixes(prefixes)
}

func (r *specReader) allowedRanges(cidrs []v1alpha1.CIDR) []netip.Prefix {
	const field = "spec.services.allowedCIDRs"
	if len(cidrs) == 0 {
		r.fail(field, "is empty; write the ranges that load balancer addresses come from")
	}
	return r.ranges(field, cidrs)
}

func (r *specReader) sshSources(ssh *v1alpha1.PublicSSH) []netip.Prefix {
	if !r.allows("spec.firewall.ssh.publicAccess", ssh.PublicAccess) {
		return nil
	}
	if len(ssh.Sources) == 0 {
		r.fail("spec.firewall.ssh.sources", "is empty; write who may connect, 0.0.0.0/0 and ::/0 for everybody, or publicAccess: Deny")
	}
	return r.ranges("spec.firewall.ssh.sources", ssh.Sources)
}

func (r *specReader) bgpPeers(bgp *v1alpha1.PublicBGP) []netip.Prefix {
	const field = "spec.firewall.bgp.peers"
	if !r.allows("spec.firewall.bgp.publicAccess", bgp.PublicAccess) {
		return nil
	}
	if len(bgp.Peers) == 0 {
		r.fail(field, "is empty; write the addresses of the BGP peers, or publicAccess: Deny")
	}
	prefixes := make([]netip.Prefix, 0, len(bgp.Peers))
	for i, peer := range bgp.Peers {
		address, err := parseAddress(string(peer))
		if err != nil {
			r.fail(fmt.Sprintf("%s[%d]", field, i), "%v", err)
			continue
		}
		prefixes = append(prefixes, netip.PrefixFrom(address, address.BitLen()))
	}
	return mergePrefixes(prefixes)
}

func (r *specReader) allows(field string, access v1alpha1.PublicAccess) bool {
	return oneOf(r, field, access, v1alpha1.PublicAccessDeny, v1alpha1.PublicAccessAllow) == v1alpha1.PublicAccessAllow
}

func (r *specReader) echoPerSecond(rate int32) int {
	if rate == 0 {
		return defaultEchoPerSecond
	}
	if rate < 1 || rate > maxEchoPerSecond {
		r.fail("spec.firewall.icmp.echoPerSecond", "%d is out of range; write a number from 1 to %d", rate, maxEchoPerSecond)
	}
	return int(rate)
}
