package plan

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

// Gateway is what every host of one NftGateway must enforce.
type Gateway struct {
	Key GatewayKey
	// Generation is the generation of the spec that this plan is of.
	Generation   int64
	Firewall     Firewall
	RateLimiting RateLimiting
	// Exposures are sorted by address, protocol and port, each of which
	// combination is there once.
	Exposures []Exposure
	// Limits are sorted by Service, and of those only that have an exposure and
	// a limit.
	Limits []ServiceLimits
	// Refusals are sorted by Service, reason and message.
	Refusals []Refusal
	// Notices are sorted alike, and of those Services only that have an exposure.
	Notices []Notice
	// Outcomes has an entry for every Service that the gateway considers,
	// those with an InvalidName excepted.
	Outcomes map[ServiceKey]Outcome
}

// Outcome is what came of one Service on a gateway. Without openings and
// refusals it is pending, or it has no ports, or its source ranges name nobody
// of its addresses' families.
type Outcome struct {
	// Pending: the status has no load balancer address yet.
	Pending bool
	// Openings is the number of its exposures.
	Openings int
	// Refusals are those of the Gateway that are about this Service.
	Refusals []Refusal
}

// ForGateway plans one NftGateway. Services are those of the cluster, each
// once; it picks those that the gateway selects. Namespaces holds the labels of
// the namespaces by name; it is read only where there is a namespaceSelector.
//
// A Service can be refused but never fails the plan. The error, a *SpecError,
// is for an NftGateway that makes no sense.
func ForGateway(gw *v1alpha1.NftGateway, services []corev1.Service, namespaces map[string]labels.Set) (Gateway, error) {
	key, err := NewGatewayKey(gw.Namespace, gw.Name)
	if err != nil {
		return Gateway{}, &SpecError{Field: "metadata", Problem: err.Error()}
	}
	firewall, err := newFirewall(&gw.Spec)
	if err != nil {
		return Gateway{}, err
	}
	limiting, err := newRateLimiting(&gw.Spec.RateLimiting)
	if err != nil {
		return Gateway{}, err
	}
	selected, err := newSelection(&gw.Spec.Services)
	if err != nil {
		return Gateway{}, err
	}
	gateway := Gateway{Key: key, Generation: gw.Generation, Firewall: firewall, RateLimiting: limiting}
	claims := gateway.gatherClaims(services, func(s *corev1.Service) bool { return selected.considers(s, namespaces) })
	gateway.Exposures = settle(claims)
	gateway.recordOutcomes(claims)
	gateway.recordLimits(claims)
	return gateway, nil
}

// gatherClaims reads the Services that are considered, one by one. Those that
// must not even be named are refused here.
func (g *Gateway) gatherClaims(services []corev1.Service, considers func(*corev1.Service) bool) []*claim {
	claims := make([]*claim, 0, len(services))
	for i := range services {
		service := &services[i]
		if !considers(service) {
			continue
		}
		key, err := NewServiceKey(service.Namespace, service.Name)
		if err != nil {
			g.Refusals = append(g.Refusals, refusal(ServiceKey{}, InvalidName, "%v; give the Service another", err))
			continue
		}
		claims = append(claims, claimOf(key, service, g))
	}
	return claims
}

// recordOutcomes sums up the settled claims.
func (g *Gateway) recordOutcomes(claims []*claim) {
	g.Outcomes = make(map[ServiceKey]Outcome, len(claims))
	for _, c := range claims {
		slices.SortFunc(c.refusals, compareRefusals)
		c.refusals = slices.Compact(c.refusals)
		g.Refusals = append(g.Refusals, c.refusals...)
		g.Outcomes[c.service] = Outcome{Pending: c.pending, Openings: c.openings, Refusals: c.refusals}
	}
	slices.SortFunc(g.Refusals, compareRefusals)
}

// recordLimits sums up what the settled claims are held to. What is about a
// Service that opens nothing waits until it does.
func (g *Gateway) recordLimits(claims []*claim) {
	for _, c := range claims {
		if c.openings == 0 {
			continue
		}
		g.Notices = append(g.Notices, c.notices...)
		if c.limits != (ratelimit.Limits{}) {
			g.Limits = append(g.Limits, ServiceLimits{c.service, c.limits})
		}
	}
	slices.SortFunc(g.Notices, compareNotices)
	slices.SortFunc(g.Limits, func(a, b ServiceLimits) int { return a.Service.Compare(b.Service) })
}

// OpenServices is the number of Services with at least one opening.
func (g *Gateway) OpenServices() int {
	n := 0
	for _, outcome := range g.Outcomes {
		if outcome.Openings > 0 {
			n++
		}
	}
	return n
}

// RefusedServices is the number of Services that are refused, in whole or in
// part.
func (g *Gateway) RefusedServices() int {
	n := 0
	for i, r := range g.Refusals {
		// The unnamed ones share a key but are a Service each.
		if r.Reason == InvalidName || i == 0 || g.Refusals[i-1].Service != r.Service {
			n++
		}
	}
	return n
}
