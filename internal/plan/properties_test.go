package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

// crowd draws Services that want the same few addresses and ports, now and then
// badly written.
func crowd() *rapid.Generator[[]corev1.Service] {
	return rapid.Custom(func(t *rapid.T) []corev1.Service {
		n := rapid.IntRange(0, 12).Draw(t, "services")
		services := make([]corev1.Service, 0, n)
		for i := range n {
			services = append(services, oneOfCrowd(t, fmt.Sprintf("s%d", i)))
		}
		return services
	})
}

func oneOfCrowd(t *rapid.T, name string) corev1.Service {
	ips := rapid.SliceOfN(rapid.SampledFrom([]string{
		"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:0db8::1", "203.0.113.1", "::ffff:192.0.2.1", "junk",
	}), 0, 3).Draw(t, "ips")
	numbers := rapid.SliceOfN(rapid.SampledFrom([]int32{1, 2, 3, 0, 65536}), 0, 4).Draw(t, "ports")
	ranges := rapid.SliceOfN(rapid.SampledFrom([]string{
		"198.51.100.0/24", "198.51.100.0/25", "198.51.100.128/25", "0.0.0.0/0", "2001:db8:1::/48", "::/0", "10.0.0.0/33",
	}), 0, 3).Draw(t, "ranges")
	second := rapid.Int64Range(0, 3).Draw(t, "created")

	s := service(name, at(ips...), from(ranges...), createdAt(second), ports())
	s.Annotations = rapid.MapOf(rapid.SampledFrom(ratelimit.Annotations()), rapid.SampledFrom([]string{
		"16mbit", "1 gbit burst 1 MiB", "400 packets/second", "10/second", "20", "true", "2 mbytes", "; drop", "",
	})).Draw(t, "annotations")
	for _, number := range numbers {
		protocol := rapid.SampledFrom([]corev1.Protocol{"TCP", "UDP", "", "ICMP"}).Draw(t, "protocol")
		s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Protocol: protocol, Port: number})
	}
	return s
}

func mustPlan(t *rapid.T, services []corev1.Service) Gateway {
	return mustPlanOn(t, gateway(), services)
}

func mustPlanOn(t *rapid.T, gw *v1alpha1.NftGateway, services []corev1.Service) Gateway {
	plan, err := ForGateway(gw, services, nil)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestOrderOfServicesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		services := crowd().Draw(t, "crowd")
		want := mustPlan(t, services)
		got := mustPlan(t, rapid.Permutation(services).Draw(t, "shuffled"))
		equalPrefixes := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
		equalAddresses := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
		if diff := cmp.Diff(want, got, equalPrefixes, equalAddresses); diff != "" {
			t.Fatalf("-in order +shuffled:\n%s", diff)
		}
	})
}

func TestEveryExposureIsWellFormed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := mustPlan(t, crowd().Draw(t, "crowd"))
		for i, e := range plan.Exposures {
			if !coveredBy(plan.Firewall.LoadBalancerRanges, e.Address) {
				t.Fatalf("%v is outside allowedCIDRs", e)
			}
			if i > 0 && compareExposures(&plan.Exposures[i-1], &e) >= 0 {
				t.Fatalf("%v stands before %v", plan.Exposures[i-1], e)
			}
			if e.Sources != nil && len(e.Sources) == 0 {
				t.Fatalf("%v: an empty list is neither any nor somebody", e)
			}
			wantTidy(t, e.Sources)
			for _, source := range e.Sources {
				if source.Addr().BitLen() != e.Address.BitLen() {
					t.Fatalf("%v: source of the other family", e)
				}
			}
		}
	})
}

func TestOutcomesAgreeWithThePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		services := crowd().Draw(t, "crowd")
		plan := mustPlan(t, services)
		openings, refusals := 0, 0
		for key, outcome := range plan.Outcomes {
			openings += outcome.Openings
			refusals += len(outcome.Refusals)
			closed := slices.ContainsFunc(outcome.Refusals, func(r Refusal) bool { return r.Reason == InvalidSourceRange })
			if outcome.Openings > 0 && (closed || outcome.Pending) {
				t.Fatalf("%s is closed or pending, but open: %+v", key, outcome)
			}
		}
		if len(plan.Outcomes) != len(services) || openings != len(plan.Exposures) || refusals != len(plan.Refusals) {
			t.Fatalf("outcomes %+v of %d Services, exposures %v, refusals %v", plan.Outcomes, len(services), plan.Exposures, plan.Refusals)
		}
	})
}

// Removing a Service opens nothing that another Service was denied, except the
// tuples that the removed one held.
func TestRemovingAServiceFreesOnlyWhatItHeld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		services := crowd().Filter(func(s []corev1.Service) bool { return len(s) > 0 }).Draw(t, "crowd")
		gone := rapid.IntRange(0, len(services)-1).Draw(t, "gone")
		before := mustPlan(t, services)
		after := mustPlan(t, slices.Delete(slices.Clone(services), gone, gone+1))

		key := ServiceKey{services[gone].Namespace, services[gone].Name}
		held := claimOf(key, &services[gone], &before).tuples
		for _, e := range after.Exposures {
			if slices.Contains(held, tuple{e.Address, e.Protocol, e.Port}) {
				continue
			}
			if !slices.ContainsFunc(before.Exposures, func(b Exposure) bool { return sameExposure(b, e) }) {
				t.Fatalf("removing %s opened %v", key, e)
			}
		}
		for _, e := range before.Exposures {
			if e.Service != key && !slices.ContainsFunc(after.Exposures, func(a Exposure) bool { return sameExposure(a, e) }) {
				t.Fatalf("removing %s closed or changed %v", key, e)
			}
		}
	})
}

func sameExposure(a, b Exposure) bool {
	return a.Service == b.Service && compareExposures(&a, &b) == 0 && slices.Equal(a.Sources, b.Sources) && (a.Sources == nil) == (b.Sources == nil)
}

// Whatever the annotations of a Service say, no other Service sees a difference.
func TestLimitsOfOneServiceAreNoOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gw := gateway(limiting(v1alpha1.RateLimiting{
			OnInvalid: rapid.SampledFrom([]v1alpha1.OnInvalidRateLimit{"Default", "Closed"}).Draw(t, "onInvalid"),
			Max:       rapid.SampledFrom([]v1alpha1.DataRate{"", "32mbit", "100 packets/second"}).Draw(t, "max"),
		}))
		services := crowd().Filter(func(s []corev1.Service) bool { return len(s) > 0 }).Draw(t, "crowd")
		before := mustPlanOn(t, gw, services)
		edited := slices.Clone(services)
		at := rapid.IntRange(0, len(edited)-1).Draw(t, "edited")
		edited[at].Annotations = map[string]string{ratelimit.RateAnnotation: rapid.String().Draw(t, "text")}
		after := mustPlanOn(t, gw, edited)

		is := ServiceKey{services[at].Namespace, services[at].Name}
		others := cmp.FilterPath(func(path cmp.Path) bool {
			index, isEntry := path.Last().(cmp.MapIndex)
			return isEntry && index.Key().Interface() == is
		}, cmp.Ignore())
		if diff := cmp.Diff(before.Outcomes, after.Outcomes, others); diff != "" {
			t.Fatalf("-before +after:\n%s", diff)
		}
		limitsOfOthers := func(plan Gateway) []ServiceLimits {
			return slices.DeleteFunc(plan.Limits, func(l ServiceLimits) bool { return l.Service == is })
		}
		if diff := cmp.Diff(limitsOfOthers(before), limitsOfOthers(after), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("limits -before +after:\n%s", diff)
		}
	})
}

// With a max every open Service has a rate, and all of its ports together get no
// more than that.
func TestNoServiceGetsMoreThanMax(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gw := gateway(limiting(v1alpha1.RateLimiting{Max: rapid.SampledFrom([]v1alpha1.DataRate{"32mbit", "1gbit", "100 packets/second"}).Draw(t, "max")}))
		plan := mustPlanOn(t, gw, crowd().Draw(t, "crowd"))
		most := *plan.RateLimiting.Max
		for _, l := range plan.Limits {
			ports := map[tuple]bool{}
			for _, e := range plan.Exposures {
				if e.Service == l.Service {
					ports[tuple{protocol: e.Protocol, port: e.Port}] = true
				}
			}
			all := *l.Limits.Service
			if l.PerPort {
				all.Amount *= uint64(len(ports))
			}
			if all.AtMost(most) != all {
				t.Fatalf("%s gets %s on %d ports, max is %s", l.Service, spelled(l.Limits), len(ports), most)
			}
		}
		if len(plan.Limits) != plan.OpenServices() {
			t.Fatalf("%d Services are open, %d of them limited", plan.OpenServices(), len(plan.Limits))
		}
	})
}
