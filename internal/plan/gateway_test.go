package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestGatewayKnowsWhatItIsOf(t *testing.T) {
	plan := planFor(t, gateway())
	if plan.Key.String() != "edge/main" || plan.Generation != 3 {
		t.Errorf("%s, generation %d", plan.Key, plan.Generation)
	}
}

func TestGatewayWithABadName(t *testing.T) {
	gw := gateway()
	gw.Name = "main\n"
	_, err := ForGateway(gw, nil, nil)
	wantError(t, err, `metadata: name "main\n" is not a DNS-1123 subdomain`)
}

func TestOutcomes(t *testing.T) {
	plan := planFor(t, gateway(),
		service("web", ports(tcp(80), tcp(443))),
		service("half", createdAt(2), ports(tcp(80), tcp(81))),
		service("pending", at()),
		service("six-only", at("192.0.2.20"), from("2001:db8:1::/48")),
		service("internal", func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeClusterIP }),
	)
	half := []Refusal{{
		Service: ServiceKey{"shop", "half"}, Reason: AddressInUse,
		Message: "older Service shop/web holds 192.0.2.10 tcp/80; use another address or port",
	}}
	want := map[ServiceKey]Outcome{
		{"shop", "web"}:      {Openings: 2},
		{"shop", "half"}:     {Openings: 1, Refusals: half},
		{"shop", "pending"}:  {Pending: true},
		{"shop", "six-only"}: {},
	}
	if diff := cmp.Diff(want, plan.Outcomes); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if open, refused := plan.OpenServices(), plan.RefusedServices(); open != 2 || refused != 1 {
		t.Errorf("%d open, %d refused; want 2 and 1", open, refused)
	}
}

// The API server refuses such names; files need not have seen one.
func TestServicesWithBadNames(t *testing.T) {
	plan := planFor(t, gateway(),
		service("{{ lookup('pipe','id') }}"),
		service("\"; drop"),
		service("web"),
	)
	wantLines(t, "opened", opened(plan), []string{"shop/web 192.0.2.10 tcp/80 from any"})
	wantLines(t, "refused", refused(plan), []string{
		`(unnamed) InvalidName: name "\"; drop" is not a DNS-1123 label; give the Service another`,
		`(unnamed) InvalidName: name "{{ lookup('pipe','id') }}" is not a DNS-1123 label; give the Service another`,
	})
	if got := plan.RefusedServices(); got != 2 {
		t.Errorf("%d refused, want 2", got)
	}
}

func TestNoServicesIsNothingOpen(t *testing.T) {
	plan := planFor(t, gateway())
	if len(plan.Exposures)+len(plan.Refusals)+len(plan.Outcomes) != 0 {
		t.Errorf("%+v", plan)
	}
}
