package control

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

// shop is a Kubernetes namespace with the Services of one test.
type shop struct {
	t    *testing.T
	name string
}

// openShop makes a namespace. The Services in it are gone when the test ends.
func openShop(t *testing.T) *shop {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "shop-"}}
	if err := the.api.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := the.api.DeleteAllOf(context.Background(), &corev1.Service{}, client.InNamespace(namespace.Name)); err != nil {
			t.Error(err)
		}
	})
	return &shop{t: t, name: namespace.Name}
}

// openEdge is a shop with its key and the NftGateway edge.
func openEdge(t *testing.T, hosts ...string) *shop {
	t.Helper()
	s := openShop(t)
	create(t, secret())
	createGateway(t, s.gateway(edge, hosts...))
	return s
}

// edit changes a Service before it is created.
type edit func(*corev1.Service)

// newService is a Service of type LoadBalancer, TCP port 80.
func (s *shop) newService(name string, edits ...edit) *corev1.Service {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: name},
		Spec: corev1.ServiceSpec{
			Type:  corev1.ServiceTypeLoadBalancer,
			Ports: []corev1.ServicePort{{Name: "http", Port: 80}},
		},
	}
	for _, edit := range edits {
		edit(service)
	}
	return service
}

// service creates a Service with addresses.
func (s *shop) service(name string, addresses []string, edits ...edit) *corev1.Service {
	s.t.Helper()
	service, err := s.tryService(s.newService(name, edits...), addresses...)
	if err != nil {
		s.t.Fatal(err)
	}
	return service
}

// tryService may be called on any goroutine.
func (s *shop) tryService(service *corev1.Service, addresses ...string) (*corev1.Service, error) {
	ctx := s.t.Context()
	if err := the.api.Create(ctx, service); err != nil {
		return nil, err
	}
	base := service.DeepCopy()
	for _, address := range addresses {
		service.Status.LoadBalancer.Ingress = append(service.Status.LoadBalancer.Ingress, corev1.LoadBalancerIngress{IP: address})
	}
	return service, the.api.Status().Patch(ctx, service, client.StrategicMergeFrom(base))
}

// update edits a Service that is there.
func (s *shop) update(name string, edit edit) {
	s.t.Helper()
	update(s.t, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: s.name, Name: name}}, edit)
}

// conditionOf is the operator's condition; nil where the Service has none.
func (s *shop) conditionOf(name string) (*metav1.Condition, error) {
	var service corev1.Service
	if err := the.api.Get(s.t.Context(), client.ObjectKey{Namespace: s.name, Name: name}, &service); err != nil {
		return nil, err
	}
	return apimeta.FindStatusCondition(service.Status.Conditions, v1alpha1.ServiceConditionProgrammed), nil
}

// awaitClosed waits until the Service is not open everywhere, for that reason.
func (s *shop) awaitClosed(name, reason string) metav1.Condition {
	s.t.Helper()
	var found *metav1.Condition
	await(s.t, fmt.Sprintf("Service %s to be closed because of %s", name, reason), func() (err error) {
		if found, err = s.conditionOf(name); err != nil {
			return err
		}
		if found == nil || found.Status != metav1.ConditionFalse || found.Reason != reason {
			return fmt.Errorf("condition is %+v", found)
		}
		return nil
	})
	return *found
}

// awaitOpen waits until the Service is open on so many hosts of all.
func (s *shop) awaitOpen(name, where string) {
	s.t.Helper()
	await(s.t, fmt.Sprintf("Service %s to be open %s", name, where), func() error {
		found, err := s.conditionOf(name)
		if err != nil {
			return err
		}
		if found == nil || found.Status != metav1.ConditionTrue || !strings.Contains(found.Message, "open on "+where) {
			return fmt.Errorf("condition is %+v", found)
		}
		return nil
	})
}

// awaitNoCondition waits until the Service has lost the condition.
func (s *shop) awaitNoCondition(name string) {
	s.t.Helper()
	await(s.t, fmt.Sprintf("Service %s to lose its condition", name), func() error {
		found, err := s.conditionOf(name)
		if err == nil && found != nil {
			err = fmt.Errorf("condition is %+v", found)
		}
		return err
	})
}

// awaitEvent waits until the Service has an Event of that type and reason.
func (s *shop) awaitEvent(name, kind, reason string) eventsv1.Event {
	s.t.Helper()
	var found eventsv1.Event
	await(s.t, fmt.Sprintf("Service %s to have the %s Event %s", name, kind, reason), func() error {
		events, err := s.eventsOf(name)
		if err != nil {
			return err
		}
		for _, found = range events {
			if found.Type == kind && found.Reason == reason {
				return nil
			}
		}
		return fmt.Errorf("its Events are %+v", events)
	})
	return found
}

func (s *shop) eventsOf(name string) ([]eventsv1.Event, error) {
	var list eventsv1.EventList
	if err := the.api.List(s.t.Context(), &list, client.InNamespace(s.name)); err != nil {
		return nil, err
	}
	var events []eventsv1.Event
	for _, event := range list.Items {
		if event.Regarding.Kind == "Service" && event.Regarding.Name == name {
			events = append(events, event)
		}
	}
	return events, nil
}
