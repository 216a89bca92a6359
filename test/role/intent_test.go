package role_test

import (
	"net/netip"
	"strings"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

// edge is the intent of a gateway of the lab without any Service.
func edge(exposures ...ansible.ExposureVar) ansible.Vars {
	none := ansible.RangeVars{IPv4: []string{}, IPv6: []string{}}
	vars := ansible.Vars{
		Schema:  ansible.SchemaVersion,
		Gateway: "lab/edge",
		Firewall: ansible.FirewallVars{
			DefaultAction: "drop", EstablishedConnections: "keep",
			GatewayEcho: "limit", ServiceEcho: "limit", EchoPerSecond: 10,
			Management: none, SSHSources: none, BGPPeers: none,
			LoadBalancerRanges: ansible.RangeVars{IPv4: []string{"203.0.113.0/24"}, IPv6: []string{"2001:db8:1b::/64"}},
		},
		Limits:    ansible.LimitVars{Engine: "auto", Mode: "police", Services: []ansible.ServiceLimitVars{}, Interfaces: []ansible.InterfaceLimitVars{}},
		Exposures: ansible.ExposureVars{IPv4: []ansible.ExposureVar{}, IPv6: []ansible.ExposureVar{}},
	}
	for _, exposure := range exposures {
		if strings.Contains(exposure.Address, ":") {
			vars.Exposures.IPv6 = append(vars.Exposures.IPv6, exposure)
		} else {
			vars.Exposures.IPv4 = append(vars.Exposures.IPv4, exposure)
		}
	}
	return vars
}

// limited adds limits to an intent.
func limited(vars ansible.Vars, limits ...ansible.ServiceLimitVars) ansible.Vars {
	vars.Limits.Services = limits
	return vars
}

// held adds limits of interfaces to an intent.
func held(vars ansible.Vars, limits ...ansible.InterfaceLimitVars) ansible.Vars {
	vars.Limits.Interfaces = limits
	return vars
}

// rated limits all of a Service to so many packets in a period, and as many at once.
func rated(service string, packets uint64, period string) ansible.ServiceLimitVars {
	return ansible.ServiceLimitVars{Service: service, Rate: packetsIn(packets, period)}
}

func packetsIn(amount uint64, period string) *ansible.RateVars {
	return &ansible.RateVars{Unit: "packets", Amount: amount, Period: period, Burst: amount}
}

// open is an exposure of a TCP port.
func open(service, address string, port uint16, sources ...string) ansible.ExposureVar {
	return ansible.ExposureVar{Service: service, Address: netip.MustParseAddr(address).String(), Protocol: "tcp", Port: port, Sources: sources}
}

var (
	web  = open("shop/web", "203.0.113.10", 443)
	web6 = open("shop/web", "2001:db8:1b::10", 443)
	api  = open("shop/api", "203.0.113.11", 8443, "198.51.100.0/25", "198.51.100.200")
	dns  = open("infra/dns", "203.0.113.53", 53)

	udp  = ansible.ExposureVar{Service: "shop/udp", Address: "203.0.113.10", Protocol: "udp", Port: 443}
	udp6 = ansible.ExposureVar{Service: "shop/udp", Address: "2001:db8:1b::10", Protocol: "udp", Port: 443}
)
