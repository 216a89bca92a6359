package ansible

import (
	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/plan"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

// LimitVars are what Services and interfaces are held to, and how.
type LimitVars struct {
	Engine string `json:"engine"`
	Mode   string `json:"mode"`
	// Services are sorted by name, and those only that have an exposure and a limit.
	Services []ServiceLimitVars `json:"services"`
	// Interfaces are sorted by name.
	Interfaces []InterfaceLimitVars `json:"interfaces"`
}

// ServiceLimitVars are the limits of one Service. What is left out has none.
type ServiceLimitVars struct {
	Service string `json:"service"`
	// Rate is for all clients together, and for all ports unless PerPort.
	Rate    *RateVars `json:"rate,omitempty"`
	PerPort bool      `json:"per_port,omitempty"`
	// The others are for each client address.
	PerSource       *RateVars `json:"per_source,omitempty"`
	ConnectionRate  *RateVars `json:"connection_rate,omitempty"`
	ConnectionLimit uint32    `json:"connection_limit,omitempty"`
}

// InterfaceLimitVars are the limits of one interface. What is left out has none.
type InterfaceLimitVars struct {
	Name    string    `json:"name"`
	Ingress *RateVars `json:"ingress,omitempty"`
	Egress  *RateVars `json:"egress,omitempty"`
}

// RateVars is a token bucket: Amount flows in each Period, and Burst at once.
// Both are in Unit.
type RateVars struct {
	Unit   string `json:"unit"`
	Amount uint64 `json:"amount"`
	Period string `json:"period"`
	Burst  uint64 `json:"burst"`
}

func limitsOf(gateway plan.Gateway) LimitVars {
	vars := LimitVars{
		Engine:     engineOf(gateway.RateLimiting.Engine),
		Mode:       modeOf(gateway.RateLimiting.Mode),
		Services:   []ServiceLimitVars{},
		Interfaces: []InterfaceLimitVars{},
	}
	for _, limits := range gateway.Limits {
		vars.Services = append(vars.Services, ServiceLimitVars{
			Service:         limits.Service.String(),
			Rate:            rateOf(limits.Limits.Service),
			PerPort:         limits.PerPort,
			PerSource:       rateOf(limits.PerSource),
			ConnectionRate:  rateOf(limits.ConnectionRate),
			ConnectionLimit: limits.ConnectionLimit,
		})
	}
	for _, limit := range gateway.RateLimiting.Interfaces {
		vars.Interfaces = append(vars.Interfaces, InterfaceLimitVars{Name: limit.Name, Ingress: rateOf(limit.Ingress), Egress: rateOf(limit.Egress)})
	}
	return vars
}

func engineOf(engine v1alpha1.RateLimitEngine) string {
	switch engine {
	case v1alpha1.RateLimitNftables:
		return "nftables"
	case v1alpha1.RateLimitTrafficControl:
		return "traffic_control"
	default:
		return "auto"
	}
}

func modeOf(mode v1alpha1.RateLimitMode) string {
	if mode == v1alpha1.RateLimitShape {
		return "shape"
	}
	return "police"
}

func rateOf(rate *ratelimit.Rate) *RateVars {
	if rate == nil {
		return nil
	}
	return &RateVars{Unit: string(rate.Unit), Amount: rate.Amount, Period: string(rate.Period), Burst: rate.Burst}
}
