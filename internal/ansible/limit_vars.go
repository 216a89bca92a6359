package ansible

import (
	"strings"

	"github.com/nft-operator/nft-operator/internal/plan"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

// LimitVars are what Services are held to, and how.
type LimitVars struct {
	Engine string `json:"engine"`
	Mode   string `json:"mode"`
	// Services are sorted by name, and those only that have an exposure and a limit.
	Services []ServiceLimitVars `json:"services"`
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
		Engine:   strings.ToLower(string(gateway.RateLimiting.Engine)),
		Mode:     strings.ToLower(string(gateway.RateLimiting.Mode)),
		Services: []ServiceLimitVars{},
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
	return vars
}

func rateOf(rate *ratelimit.Rate) *RateVars {
	if rate == nil {
		return nil
	}
	return &RateVars{Unit: string(rate.Unit), Amount: rate.Amount, Period: string(rate.Period), Burst: rate.Burst}
}
