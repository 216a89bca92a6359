package plan

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

// ServiceLimits are the limits of one Service, all of them within its gateway's.
type ServiceLimits struct {
	Service ServiceKey
	ratelimit.Limits
}

// readLimits reads what a Service asks to be held to, once its ports are known.
func (c *claim) readLimits(service *corev1.Service, gateway *RateLimiting) {
	asked, problems := ratelimit.ParseAnnotations(service.Annotations)
	for _, problem := range problems {
		c.tellProblem(problem, gateway)
	}
	c.limits = c.within(asked, gateway)
}

func (c *claim) tellProblem(problem ratelimit.Problem, gateway *RateLimiting) {
	switch {
	case problem.Kind == ratelimit.Disagreement:
		c.notify(RateLimitDisagreement, "%s", problem)
	case gateway.OnInvalid == v1alpha1.OnInvalidClosed:
		c.closed = true
		c.refuse(InvalidRateLimit, "%s", problem)
	default:
		c.notify(RateLimitInvalid, "%s; until then %s", problem, gateway.instead(problem.Annotation))
	}
}

// instead says what counts in the place of an annotation that cannot be read.
func (g *RateLimiting) instead(annotation string) string {
	ofService := annotation == ratelimit.RateAnnotation || annotation == ratelimit.AncestorAnnotation
	switch {
	case !ofService:
		return "it counts as not written"
	case g.Default == nil:
		return "there is no such limit"
	default:
		return "the gateway's own limit counts, " + g.Default.String()
	}
}

// within are the limits that a Service asks for, as far as its gateway grants them.
func (c *claim) within(asked ratelimit.Limits, gateway *RateLimiting) ratelimit.Limits {
	if asked.Service == nil {
		// The default is for all ports together: a Service must not multiply it by
		// having many of them.
		asked.Service, asked.PerPort = gateway.Default, false
		return asked
	}
	if gateway.Max == nil {
		return asked
	}
	held := asked
	held.Service, held.PerPort = c.atMost(asked, *gateway.Max)
	if *held.Service != *asked.Service || held.PerPort != asked.PerPort {
		c.notify(RateLimitBounded, "it asks for %s, and the gateway's spec.rateLimiting.max leaves it %s", spelled(asked), spelled(held))
	}
	return held
}

// atMost bounds a Service's rate. Ports that would get more than the bound
// together, each with a limit of its own, share the bound instead.
func (c *claim) atMost(asked ratelimit.Limits, most ratelimit.Rate) (rate *ratelimit.Rate, perPort bool) {
	each := asked.Service.AtMost(most)
	if !asked.PerPort {
		return &each, false
	}
	all := *asked.Service
	all.Amount *= uint64(c.portCount()) // the most there is, for each of 3 × 65,535 ports, still fits 64 bits
	shared := all.AtMost(most)
	if shared.Unit != all.Unit || shared.Period != all.Period || shared.Amount != all.Amount {
		return &shared, false
	}
	return &each, true
}

// spelled is the Service's rate in words.
func spelled(limits ratelimit.Limits) string {
	return ratelimit.Limits{Service: limits.Service, PerPort: limits.PerPort}.String()
}

// portCount is the number of ports that the Service claims, whatever the address.
func (c *claim) portCount() int {
	ports := map[tuple]struct{}{}
	for _, t := range c.tuples {
		ports[tuple{protocol: t.protocol, port: t.port}] = struct{}{}
	}
	return len(ports)
}
