package controllers

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

func TestOnlyWhatAPlanLooksAtCausesWork(t *testing.T) {
	base := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: 80}}},
	}
	edited := func(edit func(*corev1.Service)) *corev1.Service {
		service := base.DeepCopy()
		edit(service)
		return service
	}
	for name, test := range map[string]struct {
		after *corev1.Service
		want  bool
	}{
		"nothing": {base.DeepCopy(), false},
		"our own condition": {edited(func(s *corev1.Service) {
			s.Status.Conditions = []metav1.Condition{{Type: "nft-operator.io/Programmed"}}
		}), false},
		"an annotation of somebody else": {edited(func(s *corev1.Service) { s.Annotations = map[string]string{"a": "b"} }), false},
		"the source range annotation": {edited(func(s *corev1.Service) {
			s.Annotations = map[string]string{corev1.AnnotationLoadBalancerSourceRangesKey: "198.51.100.0/24"}
		}), true},
		"a rate limit annotation": {edited(func(s *corev1.Service) {
			s.Annotations = map[string]string{ratelimit.ConnectionLimitAnnotation: "20"}
		}), true},
		"an empty rate limit annotation": {edited(func(s *corev1.Service) {
			s.Annotations = map[string]string{ratelimit.AncestorAnnotation: ""}
		}), true},
		"an address": {edited(func(s *corev1.Service) {
			s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "203.0.113.1"}}
		}), true},
		"another of the same name": {edited(func(s *corev1.Service) { s.UID = "2" }), true},
		"a port":                   {edited(func(s *corev1.Service) { s.Spec.Ports[0].Port = 81 }), true},
		"a label":                  {edited(func(s *corev1.Service) { s.Labels = map[string]string{"expose": "yes"} }), true},
		"no load balancer again":   {edited(func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeClusterIP }), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := matteringServices().Update(event.UpdateEvent{ObjectOld: base, ObjectNew: test.after}); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	clusterIP := edited(func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeClusterIP })
	if matteringServices().Create(event.CreateEvent{Object: clusterIP}) {
		t.Error("a Service without load balancer causes work")
	}
}
