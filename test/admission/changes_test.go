package admission

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

// Services from before the policy, which has no say in what they have already.
const (
	olderOpen   = "older-load-balancer"
	olderInside = "older-cluster-ip"
)

func createOlder(ctx context.Context) error {
	open := service(olderOpen, ratelimit.AncestorAnnotation, unread)
	inside := service(olderInside, ratelimit.AncestorAnnotation, unread)
	inside.Spec.Type = corev1.ServiceTypeClusterIP
	for _, s := range []*corev1.Service{open, inside} {
		if err := api.Create(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func TestChanges(t *testing.T) {
	annotate := func(annotation, text string) func(*corev1.Service) {
		return func(s *corev1.Service) { s.Annotations[annotation] = text }
	}
	becomes := func(wanted corev1.ServiceType) func(*corev1.Service) {
		return func(s *corev1.Service) { s.Spec.Type = wanted }
	}
	for _, test := range []struct {
		name, service string
		change        func(*corev1.Service)
		refused       bool
	}{
		{"another port", olderOpen, func(s *corev1.Service) { s.Spec.Ports[0].Port = 8443 }, false},
		{"a finalizer", olderOpen, func(s *corev1.Service) { s.Finalizers = []string{"example.org/holds"} }, false},
		{"another annotation", olderOpen, annotate("example.org/note", unread), false},
		{"the text corrected", olderOpen, annotate(ratelimit.AncestorAnnotation, "2 mbytes/second"), false},
		{"the text removed", olderOpen, func(s *corev1.Service) { s.Annotations = nil }, false},
		{"another bad text", olderOpen, annotate(ratelimit.AncestorAnnotation, unread+" "), true},
		{"another bad annotation", olderOpen, annotate(ratelimit.RateAnnotation, unread), true},
		{"another good annotation", olderOpen, annotate(ratelimit.RateAnnotation, "16mbit"), false},
		{"no load balancer any more", olderOpen, becomes(corev1.ServiceTypeClusterIP), false},
		{"a port of what no gateway looks at", olderInside, func(s *corev1.Service) { s.Spec.Ports[0].Port = 8443 }, false},
		{"a bad text of what no gateway looks at", olderInside, annotate(ratelimit.RateAnnotation, unread), false},
		{"a load balancer from now on", olderInside, becomes(corev1.ServiceTypeLoadBalancer), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &corev1.Service{}
			if err := api.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: test.service}, s); err != nil {
				t.Fatal(err)
			}
			test.change(s)
			err := api.Update(t.Context(), s, client.DryRunAll)
			if test.refused != apierrors.IsInvalid(err) || !test.refused && err != nil {
				t.Errorf("refused should be %t, got: %v", test.refused, err)
			}
		})
	}
}

// TestAddressesAreStillAssigned to a Service that has a bad text already.
func TestAddressesAreStillAssigned(t *testing.T) {
	s := &corev1.Service{}
	if err := api.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: olderOpen}, s); err != nil {
		t.Fatal(err)
	}
	s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "203.0.113.10"}}
	if err := api.Status().Update(t.Context(), s, client.DryRunAll); err != nil {
		t.Error(err)
	}
}

// TestOthersNeverNotice: Services without any of the annotations, or without any
// annotation at all.
func TestOthersNeverNotice(t *testing.T) {
	for name, annotations := range map[string]map[string]string{
		"none":   nil,
		"others": {"nft-operator.io/check": unread, "rate-limit": unread},
	} {
		s := service("other", "", "")
		s.Annotations = annotations
		if err := try(t.Context(), s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
