package controllers

import (
	"iter"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/nft-operator/nft-operator/internal/plan"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

// openings are a plan by Services. Nobody changes them: all hosts of a gateway,
// and later plans, share what is the same. Where they are nil, nothing is known.
type openings struct {
	byService map[plan.ServiceKey]*opening
}

// opening is what a plan has for one Service: what it opens, and at which limits,
// what it refuses, and what it has to say.
type opening struct {
	exposures []plan.Exposure
	limits    ratelimit.Limits
	refusals  []plan.Refusal
	notices   []plan.Notice
}

// noOpening is what a plan has for a Service that it does not name.
var noOpening = &opening{}

// openingsOf sorts a plan by Services. What an earlier plan had alike is taken
// over from there, so that to compare both costs little, and to keep both.
func openingsOf(gateway plan.Gateway, earlier *openings) *openings {
	o := &openings{byService: make(map[plan.ServiceKey]*opening, len(gateway.Outcomes))}
	for _, exposure := range gateway.Exposures {
		one := o.make(exposure.Service)
		one.exposures = append(one.exposures, exposure)
	}
	for _, limits := range gateway.Limits {
		o.make(limits.Service).limits = limits.Limits
	}
	for _, refusal := range gateway.Refusals {
		one := o.make(refusal.Service)
		one.refusals = append(one.refusals, refusal)
	}
	for _, notice := range gateway.Notices {
		one := o.make(notice.Service)
		one.notices = append(one.notices, notice)
	}
	for service, one := range o.byService {
		if before := earlier.of(service); before.same(one) {
			o.byService[service] = before
		}
	}
	return o
}

func (o *openings) make(service plan.ServiceKey) *opening {
	one := o.byService[service]
	if one == nil {
		one = &opening{}
		o.byService[service] = one
	}
	return one
}

// of a Service; never nil.
func (o *openings) of(service plan.ServiceKey) *opening {
	if o == nil || o.byService[service] == nil {
		return noOpening
	}
	return o.byService[service]
}

// names reports whether there is anything about the Service.
func (o *openings) names(service plan.ServiceKey) bool { return o.of(service) != noOpening }

// same reports whether both have the same for a Service.
func (o *opening) same(other *opening) bool {
	return o == other || o.opensAlike(other) &&
		slices.Equal(o.refusals, other.refusals) && slices.Equal(o.notices, other.notices)
}

// opensAlike reports whether both open the same at the same limits.
func (o *opening) opensAlike(other *opening) bool {
	return o == other || slices.EqualFunc(o.exposures, other.exposures, sameExposure) &&
		equality.Semantic.DeepEqual(o.limits, other.limits)
}

func sameExposure(a, b plan.Exposure) bool {
	return a.Service == b.Service && a.Address == b.Address && a.Protocol == b.Protocol && a.Port == b.Port &&
		(a.Sources == nil) == (b.Sources == nil) && slices.Equal(a.Sources, b.Sources)
}

// servicesOf are the Services that any of them names, each once.
func servicesOf(all ...*openings) iter.Seq[plan.ServiceKey] {
	return func(yield func(plan.ServiceKey) bool) {
		for at, one := range all {
			if one == nil || slices.Contains(all[:at], one) {
				continue
			}
			for service := range one.byService {
				if slices.ContainsFunc(all[:at], func(o *openings) bool { return o.names(service) }) {
					continue
				}
				if !yield(service) {
					return
				}
			}
		}
	}
}
