package controllers

import (
	"net/netip"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/nft-operator/nft-operator/internal/plan"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

var (
	gw1 = types.NamespacedName{Namespace: "nft-operator-system", Name: "edge.gw1"}
	gw2 = types.NamespacedName{Namespace: "nft-operator-system", Name: "edge.gw2"}
	web = plan.ServiceKey{Namespace: "shop", Name: "web"}
	dns = plan.ServiceKey{Namespace: "shop", Name: "dns"}
)

func opens(service plan.ServiceKey, port uint16, sources ...string) plan.Exposure {
	exposure := plan.Exposure{Service: service, Address: netip.MustParseAddr("203.0.113.10"), Protocol: plan.TCP, Port: port}
	for _, source := range sources {
		exposure.Sources = append(exposure.Sources, netip.MustParsePrefix(source))
	}
	return exposure
}

func planWith(exposures ...plan.Exposure) plan.Gateway {
	return plan.Gateway{Exposures: exposures}
}

// limited adds a limit of connections to a plan.
func limited(gateway plan.Gateway, service plan.ServiceKey, limit uint32) plan.Gateway {
	gateway.Limits = append(gateway.Limits, plan.ServiceLimits{Service: service, Limits: ratelimit.Limits{ConnectionLimit: limit}})
	return gateway
}

// noticed adds a notice to a plan.
func noticed(gateway plan.Gateway, service plan.ServiceKey, message string) plan.Gateway {
	gateway.Notices = append(gateway.Notices, plan.Notice{Service: service, Reason: plan.RateLimitInvalid, Message: message})
	return gateway
}

// heard collects the Services that the ledger tells of.
func heard(ledger *Ledger, act func()) []string {
	var services []string
	ledger.OnChange(func(service plan.ServiceKey) { services = append(services, service.Name) })
	act()
	slices.Sort(services)
	return services
}

var (
	edge  = types.NamespacedName{Namespace: "nft-operator-system", Name: "edge"}
	boxes = []types.NamespacedName{gw1, gw2}
)

// intend and enforces make the openings of a plan.
func intend(ledger *Ledger, hosts []types.NamespacedName, planned plan.Gateway) {
	ledger.Intend(edge, hosts, openingsOf(planned, ledger.intended[edge]))
}

func enforces(ledger *Ledger, host types.NamespacedName, planned plan.Gateway) {
	ledger.Enforces(host, openingsOf(planned, nil))
}

func TestLedgerTellsOnlyOfServicesThatChange(t *testing.T) {
	ledger := NewLedger()
	both := planWith(opens(web, 80), opens(dns, 53))
	for _, step := range []struct {
		name string
		act  func()
		want []string
	}{
		{"a first plan", func() { intend(ledger, boxes, both) }, []string{"dns", "web"}},
		{"the same plan again", func() { intend(ledger, boxes, both) }, nil},
		{"a host enforces it", func() { enforces(ledger, gw1, both) }, []string{"dns", "web"}},
		{"it still does", func() { enforces(ledger, gw1, both) }, nil},
		{"a port is edited", func() { intend(ledger, boxes, planWith(opens(web, 81), opens(dns, 53))) }, []string{"web"}},
		{"sources are named", func() { intend(ledger, boxes, planWith(opens(web, 80, "198.51.100.0/24"), opens(dns, 53))) }, []string{"web"}},
		{"one is limited", func() {
			intend(ledger, boxes, limited(planWith(opens(web, 80, "198.51.100.0/24"), opens(dns, 53)), dns, 1))
		}, []string{"dns"}},
		{"the limit is another", func() {
			intend(ledger, boxes, limited(planWith(opens(web, 80, "198.51.100.0/24"), opens(dns, 53)), dns, 2))
		}, []string{"dns"}},
		{"it is noticed", func() {
			intend(ledger, boxes, noticed(limited(planWith(opens(web, 80, "198.51.100.0/24"), opens(dns, 53)), dns, 2), dns, "column 1"))
		}, []string{"dns"}},
		{"and no more", func() {
			intend(ledger, boxes, planWith(opens(web, 80, "198.51.100.0/24"), opens(dns, 53)))
		}, []string{"dns"}},
		{"a Service goes", func() { intend(ledger, boxes, planWith(opens(dns, 53))) }, []string{"web"}},
		{"a host goes, which still enforced both", func() { ledger.Forget(gw1) }, []string{"dns", "web"}},
		{"it is gone from the spec, too", func() { intend(ledger, boxes[1:], planWith(opens(dns, 53))) }, nil},
		{"the other leaves the spec", func() { intend(ledger, nil, planWith(opens(dns, 53))) }, []string{"dns"}},
	} {
		if got := heard(ledger, step.act); !slices.Equal(got, step.want) {
			t.Errorf("%s: heard of %v, want %v", step.name, got, step.want)
		}
	}
}

func TestStandingsOfAService(t *testing.T) {
	ledger := NewLedger()
	was, is := planWith(opens(web, 80), opens(dns, 53)), planWith(opens(web, 81), opens(dns, 53))
	intend(ledger, boxes, was)
	enforces(ledger, gw2, was)
	intend(ledger, boxes, is)
	ledger.Fails(gw2, "ConnectionTimeout")

	standings := ledger.Standings(web)
	if len(standings) != 2 || standings[0].Host != gw1 || standings[1].Host != gw2 {
		t.Fatalf("standings: %+v", standings)
	}
	if first := standings[0]; first.Enforced || first.Attempted {
		t.Errorf("gw1 was never tried, but: %+v", first)
	}
	if second := standings[1]; second.Enforced || second.Problem != "ConnectionTimeout" {
		t.Errorf("gw2 enforces the old port only, but: %+v", second)
	}
	if unchanged := ledger.Standings(dns)[1]; !unchanged.Enforced {
		t.Errorf("what gw2 enforced before it failed, it still does: %+v", unchanged)
	}
	if none := ledger.Standings(plan.ServiceKey{Namespace: "shop", Name: "other"}); none != nil {
		t.Errorf("a Service of no plan has standings: %+v", none)
	}
}

func TestALimitIsPartOfWhatAHostEnforces(t *testing.T) {
	ledger := NewLedger()
	was, is := limited(planWith(opens(web, 80)), web, 10), limited(planWith(opens(web, 80)), web, 20)
	intend(ledger, boxes[:1], was)
	enforces(ledger, gw1, was)
	intend(ledger, boxes[:1], is)
	if standing := ledger.Standings(web)[0]; standing.Enforced || standing.Limits.ConnectionLimit != 20 {
		t.Errorf("gw1 has the old limit only, but: %+v", standing)
	}
	enforces(ledger, gw1, is)
	if standing := ledger.Standings(web)[0]; !standing.Enforced {
		t.Errorf("gw1 has the new limit, but: %+v", standing)
	}
}

func TestWhatIsKnownOfAHost(t *testing.T) {
	for name, test := range map[string]struct {
		act                 func(*Ledger)
		considered, planned bool
	}{
		"nothing yet":              {func(*Ledger) {}, false, false},
		"its gateway was planned":  {func(l *Ledger) { intend(l, boxes, planWith()) }, true, true},
		"it could not be planned":  {func(l *Ledger) { l.Fails(gw1, "InvalidSpec") }, true, false},
		"it belongs to no gateway": {func(l *Ledger) { l.Release(gw1) }, true, true},
		"it is gone":               {func(l *Ledger) { l.Release(gw1); l.Forget(gw1) }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			ledger := NewLedger()
			test.act(ledger)
			if ledger.Considered(gw1) != test.considered || ledger.Planned(gw1) != test.planned {
				t.Errorf("considered %v, planned %v", ledger.Considered(gw1), ledger.Planned(gw1))
			}
		})
	}
}
