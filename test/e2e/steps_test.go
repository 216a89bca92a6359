package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// Patience of the tests. A door that is open answers in milliseconds; one that
// is closed never does.
const (
	openPatience   = 3 * time.Second
	closedPatience = 300 * time.Millisecond
	awaitPatience  = 60 * time.Second
)

// await polls until check has no complaint.
func await(t *testing.T, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(awaitPatience)
	var complaint error
	for time.Now().Before(deadline) {
		if complaint = check(); complaint == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s: after %s still: %v\noperator's log:\n%s", what, awaitPatience, complaint, tailOf(the.operator.Log(), 30))
}

func tailOf(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// shop is a Kubernetes namespace with the Services of one test.
type shop struct {
	t    *testing.T
	name string
}

// openShop makes a namespace that goes with the test, Services first, so that
// the next test starts with closed gateways.
func openShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, name: strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.name}}
	if err := the.api.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		if err := the.api.DeleteAllOf(ctx, &corev1.Service{}, client.InNamespace(s.name)); err != nil {
			t.Error(err)
		}
	})
	return s
}

// port writes "tcp/80" as a Service's port.
func port(text string) corev1.ServicePort {
	protocol, number, found := strings.Cut(text, "/")
	if !found {
		panic("a port is written protocol/number")
	}
	var n int32
	if _, err := fmt.Sscan(number, &n); err != nil {
		panic(err)
	}
	return corev1.ServicePort{Name: protocol + "-" + number, Protocol: corev1.Protocol(strings.ToUpper(protocol)), Port: n}
}

// edit changes a Service before it is created.
type edit func(*corev1.Service)

func withSources(ranges ...string) edit {
	return func(s *corev1.Service) { s.Spec.LoadBalancerSourceRanges = ranges }
}

func withAnnotation(key, value string) edit {
	return func(s *corev1.Service) { s.Annotations = map[string]string{key: value} }
}

func withPorts(ports ...string) edit {
	return func(s *corev1.Service) {
		s.Spec.Ports = nil
		for _, text := range ports {
			s.Spec.Ports = append(s.Spec.Ports, port(text))
		}
	}
}

// service creates a Service of type LoadBalancer with addresses.
func (s *shop) service(name string, addresses []string, edits ...edit) *corev1.Service {
	s.t.Helper()
	both := corev1.IPFamilyPolicyPreferDualStack
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: name},
		Spec: corev1.ServiceSpec{
			Type:           corev1.ServiceTypeLoadBalancer,
			IPFamilyPolicy: &both,
			Ports:          []corev1.ServicePort{port("tcp/80")},
		},
	}
	for _, edit := range edits {
		edit(service)
	}
	if err := the.api.Create(s.t.Context(), service); err != nil {
		s.t.Fatal(err)
	}
	s.assign(name, addresses...)
	return service
}

func (s *shop) assign(name string, addresses ...string) {
	s.t.Helper()
	if err := the.kube.AssignAddresses(s.t.Context(), s.name, name, addresses...); err != nil {
		s.t.Fatal(err)
	}
}

// update edits a Service that is there.
func (s *shop) update(name string, edit edit) {
	s.t.Helper()
	var service corev1.Service
	if err := the.api.Get(s.t.Context(), types.NamespacedName{Namespace: s.name, Name: name}, &service); err != nil {
		s.t.Fatal(err)
	}
	base := service.DeepCopy()
	edit(&service)
	if err := the.api.Patch(s.t.Context(), &service, client.MergeFrom(base)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) remove(name string) {
	s.t.Helper()
	if err := the.api.Delete(s.t.Context(), &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: name}}); err != nil {
		s.t.Fatal(err)
	}
}

// awaitCondition waits until the Service's condition has the status and reason.
func (s *shop) awaitCondition(name string, status metav1.ConditionStatus, reason string) metav1.Condition {
	s.t.Helper()
	var found metav1.Condition
	await(s.t, fmt.Sprintf("service %s to be %s because of %s", name, status, reason), func() error {
		var service corev1.Service
		if err := the.api.Get(s.t.Context(), types.NamespacedName{Namespace: s.name, Name: name}, &service); err != nil {
			return err
		}
		condition := apimeta.FindStatusCondition(service.Status.Conditions, v1alpha1.ServiceConditionProgrammed)
		if condition == nil || condition.Status != status || condition.Reason != reason {
			return fmt.Errorf("condition is %+v", condition)
		}
		found = *condition
		return nil
	})
	return found
}

func (s *shop) awaitOpen(name string) {
	s.t.Helper()
	s.awaitCondition(name, metav1.ConditionTrue, "Open")
}

// serve starts an echo server on the node.
func serve(t *testing.T, door string) {
	t.Helper()
	protocol, at := doorOf(door)
	server, err := the.net.Node.Serve(protocol, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
}

// doorOf reads "tcp 203.0.113.10:80".
func doorOf(door string) (lab.Protocol, netip.AddrPort) {
	protocol, address, _ := strings.Cut(door, " ")
	return lab.Protocol(protocol), netip.MustParseAddrPort(address)
}

// assertOpen fails unless a client at from reaches a server behind the door.
func assertOpen(t *testing.T, from netip.Addr, doors ...string) {
	t.Helper()
	for _, door := range doors {
		protocol, to := doorOf(door)
		if err := the.net.Client.Knock(protocol, from, to, openPatience); err != nil {
			t.Errorf("%s is closed for %s: %v", door, from, err)
		}
	}
}

// assertClosed fails if a client at from gets any answer from behind the door.
func assertClosed(t *testing.T, from netip.Addr, doors ...string) {
	t.Helper()
	for _, door := range doors {
		protocol, to := doorOf(door)
		err := the.net.Client.Knock(protocol, from, to, closedPatience)
		switch {
		case err == nil:
			t.Errorf("%s is open for %s", door, from)
		case !strings.Contains(err.Error(), "timeout"):
			t.Errorf("%s for %s: %v, though its packets should be dropped", door, from, err)
		}
	}
}

// awaitHost waits until a condition of a gateway's host has the status and reason.
func awaitHost(t *testing.T, gateway, host, kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	t.Helper()
	var found metav1.Condition
	await(t, fmt.Sprintf("host %s of %s: %s to be %s because of %s", host, gateway, kind, status, reason), func() error {
		var object v1alpha1.NftGatewayHost
		if err := the.api.Get(t.Context(), types.NamespacedName{Namespace: lab.OperatorNamespace, Name: gateway + "." + host}, &object); err != nil {
			return err
		}
		condition := apimeta.FindStatusCondition(object.Status.Conditions, kind)
		if condition == nil || condition.Status != status || condition.Reason != reason {
			return fmt.Errorf("conditions are %+v", object.Status.Conditions)
		}
		found = *condition
		return nil
	})
	return found
}

// editEdge changes the shared NftGateway, and changes it back when the test ends.
func editEdge(t *testing.T, edit func(*v1alpha1.NftGateway)) {
	t.Helper()
	before := updateEdge(t, edit)
	t.Cleanup(func() {
		updateEdge(t, func(g *v1alpha1.NftGateway) { g.Spec = before.Spec })
		awaitGateway(t, edge)
	})
}

// updateEdge changes the shared NftGateway and returns what it was before.
func updateEdge(t *testing.T, edit func(*v1alpha1.NftGateway)) (before v1alpha1.NftGateway) {
	t.Helper()
	key := types.NamespacedName{Namespace: lab.OperatorNamespace, Name: edge}
	must(t, retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		before = v1alpha1.NftGateway{}
		if err := the.api.Get(context.Background(), key, &before); err != nil {
			return err
		}
		after := before.DeepCopy()
		edit(after)
		return the.api.Update(context.Background(), after)
	}))
	return before
}

// awaitGateway waits until every host runs the present spec.
func awaitGateway(t *testing.T, name string) {
	t.Helper()
	await(t, "NftGateway "+name+" to be programmed", func() error {
		var gateway v1alpha1.NftGateway
		if err := the.api.Get(context.Background(), types.NamespacedName{Namespace: lab.OperatorNamespace, Name: name}, &gateway); err != nil {
			return err
		}
		condition := apimeta.FindStatusCondition(gateway.Status.Conditions, v1alpha1.ConditionProgrammed)
		if condition == nil || condition.Status != metav1.ConditionTrue || condition.ObservedGeneration != gateway.Generation {
			return fmt.Errorf("condition is %+v", condition)
		}
		return nil
	})
}

// checkNow asks the operator to look at every host of the gateway.
func checkNow(t *testing.T, name string) {
	t.Helper()
	var gateway v1alpha1.NftGateway
	if err := the.api.Get(t.Context(), types.NamespacedName{Namespace: lab.OperatorNamespace, Name: name}, &gateway); err != nil {
		t.Fatal(err)
	}
	base := gateway.DeepCopy()
	gateway.Annotations = map[string]string{v1alpha1.AnnotationCheck: fmt.Sprint(time.Now().UnixNano())}
	if err := the.api.Patch(t.Context(), &gateway, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
}

// runs is the number of attempts on a host so far.
func runs(t *testing.T, host string) float64 {
	t.Helper()
	return metric(t, "nft_operator_runs_total", fmt.Sprintf("host=%q", host))
}

// successes is the number of attempts on a host that succeeded.
func successes(t *testing.T, host string) float64 {
	t.Helper()
	return metric(t, "nft_operator_runs_total", fmt.Sprintf("host=%q", host), `reason=""`)
}

func metric(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	value, err := the.operator.Metric(name, labels...)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
