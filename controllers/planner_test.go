package controllers

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
)

// aReader has one Service, and counts how often it is asked for them.
type aReader struct {
	client.Reader
	mutex   sync.Mutex
	service corev1.Service
	asked   int
	// meanwhile is called while the Services are on their way.
	meanwhile func()
}

func (r *aReader) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	services, ok := list.(*corev1.ServiceList)
	if !ok {
		return nil
	}
	r.mutex.Lock()
	r.asked++
	services.Items = []corev1.Service{*r.service.DeepCopy()}
	meanwhile := r.meanwhile
	r.mutex.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	return nil
}

func (r *aReader) open(port int32) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.service = corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: port, Protocol: corev1.ProtocolTCP}}},
		Status:     corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{{IP: "203.0.113.10"}}}},
	}
}

func aGateway(edit ...func(*v1alpha1.NftGateway)) *v1alpha1.NftGateway {
	gateway := &v1alpha1.NftGateway{
		ObjectMeta: metav1.ObjectMeta{Namespace: "nft-operator-system", Name: "edge", UID: "1", Generation: 1},
		Spec: v1alpha1.NftGatewaySpec{
			Services: v1alpha1.ServiceSelection{AllowedCIDRs: []v1alpha1.CIDR{"203.0.113.0/24"}},
			Firewall: v1alpha1.Firewall{ManagementCIDRs: []v1alpha1.CIDR{"192.0.2.0/24"}},
		},
	}
	for _, one := range edit {
		one(gateway)
	}
	return gateway
}

// port that the plan of the gateway opens.
func (p *Planner) port(t *testing.T, gateway *v1alpha1.NftGateway) uint16 {
	t.Helper()
	planned, err := p.planOf(t.Context(), gateway)
	if err != nil {
		t.Fatal(err)
	}
	if len(planned.Plan.Exposures) != 1 {
		t.Fatalf("the plan opens %v", planned.Plan.Exposures)
	}
	return planned.Plan.Exposures[0].Port
}

func TestAGatewayIsPlannedAnewOnlyWhenSomethingChanged(t *testing.T) {
	reader := &aReader{}
	reader.open(80)
	planner := newPlanner(reader, ansible.Templates{})
	for _, step := range []struct {
		name  string
		act   func()
		of    *v1alpha1.NftGateway
		asked int
	}{
		{"the first time", func() {}, aGateway(), 1},
		{"nothing changed", func() {}, aGateway(), 1},
		{"a Service changed", planner.Changed, aGateway(), 2},
		{"nothing since", func() {}, aGateway(), 2},
		{"the spec changed", func() {}, aGateway(func(g *v1alpha1.NftGateway) { g.Generation = 2 }), 3},
		{"it is another of the name", func() {}, aGateway(func(g *v1alpha1.NftGateway) { g.Generation, g.UID = 2, "2" }), 4},
		{"another gateway", func() {}, aGateway(func(g *v1alpha1.NftGateway) { g.Name = "other" }), 5},
		{"the gateway was gone", func() { planner.Forget(edge) }, aGateway(func(g *v1alpha1.NftGateway) { g.Generation, g.UID = 2, "2" }), 6},
	} {
		step.act()
		if port := planner.port(t, step.of); port != 80 {
			t.Errorf("%s: port %d", step.name, port)
		}
		if reader.asked != step.asked {
			t.Errorf("%s: the Services were read %d times, want %d", step.name, reader.asked, step.asked)
		}
	}
}

func TestAPlanDoesNotLastForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := &aReader{}
		reader.open(80)
		planner := newPlanner(reader, ansible.Templates{})
		planner.port(t, aGateway())
		reader.open(81) // and nobody tells
		time.Sleep(plannedFor - time.Second)
		if port := planner.port(t, aGateway()); port != 80 {
			t.Errorf("planned anew: port %d", port)
		}
		time.Sleep(time.Second)
		if port := planner.port(t, aGateway()); port != 81 {
			t.Errorf("after %s port %d is still planned", plannedFor, port)
		}
	})
}

func TestAChangeWhilePlanningIsPlanned(t *testing.T) {
	reader := &aReader{}
	planner := newPlanner(reader, ansible.Templates{})
	reader.open(80)
	reader.meanwhile = func() {
		reader.open(81)
		planner.Changed()
	}
	planner.port(t, aGateway())
	reader.meanwhile = nil
	if port := planner.port(t, aGateway()); port != 81 {
		t.Errorf("port %d is planned still, though it changed while the first plan was made", port)
	}
}

func TestManyHostsThatAskAtOnceAreOnePlan(t *testing.T) {
	reader := &aReader{}
	reader.open(80)
	planner := newPlanner(reader, ansible.Templates{})
	var askers sync.WaitGroup
	for range 50 {
		askers.Go(func() { planner.port(t, aGateway()) })
	}
	askers.Wait()
	if reader.asked != 1 {
		t.Errorf("the Services were read %d times", reader.asked)
	}
}

// What did not change is taken over from the plan before, so that to compare
// them is to compare addresses.
func TestPlansShareWhatIsTheSame(t *testing.T) {
	before := planWith(opens(web, 80), opens(dns, 53))
	first := openingsOf(before, nil)
	next := openingsOf(planWith(opens(web, 81), opens(dns, 53)), first)
	if next.of(dns) != first.of(dns) || next.of(web) == first.of(web) {
		t.Error("dns alone is the same")
	}
	if got := next.of(web).exposures[0].Port; got != 81 {
		t.Errorf("web has port %d", got)
	}
}
