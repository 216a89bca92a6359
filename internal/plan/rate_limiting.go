package plan

import (
	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

// RateLimiting is what a gateway does about the rates that Services ask for, and
// what its interfaces get.
type RateLimiting struct {
	Engine    v1alpha1.RateLimitEngine
	Mode      v1alpha1.RateLimitMode
	OnInvalid v1alpha1.OnInvalidRateLimit
	// Default is the rate of a Service that names none, within Max, and Max where
	// the spec has only that. Max is what none gets more of. Both are nil where
	// there is no such limit.
	Default, Max *ratelimit.Rate
	// Interfaces are sorted by name.
	Interfaces []InterfaceLimit
}

// newRateLimiting reads spec.rateLimiting. As in newFirewall, what the API
// server would have defaulted or refused is defaulted or refused here too.
func newRateLimiting(spec *v1alpha1.RateLimiting) (RateLimiting, error) {
	var r specReader
	limiting := RateLimiting{
		Engine:     oneOf(&r, "spec.rateLimiting.engine", spec.Engine, v1alpha1.RateLimitAuto, v1alpha1.RateLimitNftables, v1alpha1.RateLimitTrafficControl),
		Mode:       oneOf(&r, "spec.rateLimiting.mode", spec.Mode, v1alpha1.RateLimitPolice, v1alpha1.RateLimitShape),
		OnInvalid:  oneOf(&r, "spec.rateLimiting.onInvalid", spec.OnInvalid, v1alpha1.OnInvalidDefault, v1alpha1.OnInvalidClosed),
		Default:    r.rate("spec.rateLimiting.default", spec.Default),
		Max:        r.rate("spec.rateLimiting.max", spec.Max),
		Interfaces: r.interfaceLimits("spec.rateLimiting.interfaces", spec.Interfaces),
	}
	if limiting.Mode == v1alpha1.RateLimitShape && limiting.Engine == v1alpha1.RateLimitNftables {
		r.fail("spec.rateLimiting.mode", "Shape needs tc; write engine: Auto or TrafficControl")
	}
	if r.err != nil {
		return RateLimiting{}, r.err
	}
	if limiting.Max != nil {
		within := *limiting.Max
		if limiting.Default != nil {
			within = limiting.Default.AtMost(within)
		}
		limiting.Default = &within
	}
	return limiting, nil
}

// rate is what a field says; nil where it is left out.
func (r *specReader) rate(field string, text v1alpha1.DataRate) *ratelimit.Rate {
	if text == "" {
		return nil
	}
	rate, err := ratelimit.ParseData(string(text))
	if err != nil {
		r.fail(field, "%v", err)
	}
	return &rate
}
