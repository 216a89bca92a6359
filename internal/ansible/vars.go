package ansible

import (
	"net/netip"
	"strings"

	"github.com/nft-operator/nft-operator/internal/plan"
)

// SchemaVersion is the version of the extra-vars, see docs/extra-vars.md. The
// role refuses a version that it does not know.
const SchemaVersion = 3

// Vars are the extra-vars of a run: what every host of one gateway enforces.
// Every string in it is printed from a typed value.
type Vars struct {
	Schema    int          `json:"nft_schema"`
	Gateway   string       `json:"nft_gateway"`
	Firewall  FirewallVars `json:"nft_firewall"`
	Exposures ExposureVars `json:"nft_exposures"`
	Limits    LimitVars    `json:"nft_limits"`
}

// FirewallVars are what is allowed besides Services.
type FirewallVars struct {
	DefaultAction          string    `json:"default_action"`
	EstablishedConnections string    `json:"established_connections"`
	GatewayEcho            string    `json:"gateway_echo"`
	ServiceEcho            string    `json:"service_echo"`
	EchoPerSecond          int       `json:"echo_per_second"`
	Management             RangeVars `json:"management"`
	SSHSources             RangeVars `json:"ssh_sources"`
	BGPPeers               RangeVars `json:"bgp_peers"`
	LoadBalancerRanges     RangeVars `json:"load_balancer_ranges"`
}

// RangeVars are address ranges by family, because nftables keeps the families
// in sets of their own.
type RangeVars struct {
	IPv4 []string `json:"ipv4"`
	IPv6 []string `json:"ipv6"`
}

// ExposureVars are the openings by family.
type ExposureVars struct {
	IPv4 []ExposureVar `json:"ipv4"`
	IPv6 []ExposureVar `json:"ipv6"`
}

// ExposureVar is one opening. Sources left out means any source.
type ExposureVar struct {
	Service  string   `json:"service"`
	Address  string   `json:"address"`
	Protocol string   `json:"protocol"`
	Port     uint16   `json:"port"`
	Sources  []string `json:"sources,omitempty"`
}

// VarsOf renders a plan as extra-vars.
func VarsOf(gateway plan.Gateway) Vars {
	firewall := gateway.Firewall
	vars := Vars{
		Schema:  SchemaVersion,
		Gateway: gateway.Key.String(),
		Firewall: FirewallVars{
			DefaultAction:          strings.ToLower(string(firewall.DefaultAction)),
			EstablishedConnections: strings.ToLower(string(firewall.EstablishedConnections)),
			GatewayEcho:            strings.ToLower(string(firewall.GatewayEcho)),
			ServiceEcho:            strings.ToLower(string(firewall.ServiceEcho)),
			EchoPerSecond:          firewall.EchoPerSecond,
			Management:             rangesOf(firewall.Management),
			SSHSources:             rangesOf(firewall.SSHSources),
			BGPPeers:               rangesOf(firewall.BGPPeers),
			LoadBalancerRanges:     rangesOf(firewall.LoadBalancerRanges),
		},
		Exposures: ExposureVars{IPv4: []ExposureVar{}, IPv6: []ExposureVar{}},
		Limits:    limitsOf(gateway),
	}
	for _, exposure := range gateway.Exposures {
		entry := ExposureVar{
			Service:  exposure.Service.String(),
			Address:  exposure.Address.String(),
			Protocol: string(exposure.Protocol),
			Port:     exposure.Port,
			Sources:  prefixTexts(exposure.Sources),
		}
		if exposure.Address.Is4() {
			vars.Exposures.IPv4 = append(vars.Exposures.IPv4, entry)
		} else {
			vars.Exposures.IPv6 = append(vars.Exposures.IPv6, entry)
		}
	}
	return vars
}

func rangesOf(prefixes []netip.Prefix) RangeVars {
	ranges := RangeVars{IPv4: []string{}, IPv6: []string{}}
	for _, prefix := range prefixes {
		if prefix.Addr().Is4() {
			ranges.IPv4 = append(ranges.IPv4, prefixText(prefix))
		} else {
			ranges.IPv6 = append(ranges.IPv6, prefixText(prefix))
		}
	}
	return ranges
}

func prefixTexts(prefixes []netip.Prefix) []string {
	if prefixes == nil {
		return nil
	}
	texts := make([]string, len(prefixes))
	for i, prefix := range prefixes {
		texts[i] = prefixText(prefix)
	}
	return texts
}

// prefixText writes a range as nft lists it: one address without its length.
func prefixText(prefix netip.Prefix) string {
	if prefix.IsSingleIP() {
		return prefix.Addr().String()
	}
	return prefix.String()
}
