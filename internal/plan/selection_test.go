package plan

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

func labelled(key, value string) edit {
	return func(s *corev1.Service) { s.Labels = map[string]string{key: value} }
}

func class(name string) edit {
	return func(s *corev1.Service) { s.Spec.LoadBalancerClass = &name }
}

func inNamespace(namespace string) edit {
	return func(s *corev1.Service) { s.Namespace = namespace }
}

func TestSelection(t *testing.T) {
	public := &metav1.LabelSelector{MatchLabels: map[string]string{"expose": "public"}}
	notProduction := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: "stage", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"production"}},
	}}
	tests := []struct {
		name    string
		spec    v1alpha1.ServiceSelection
		service corev1.Service
		want    bool
	}{
		{name: "nothing is asked for", service: service("web"), want: true},
		{name: "other types of Service", service: service("web", func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeNodePort })},
		{name: "no type", service: service("web", func(s *corev1.Service) { s.Spec.Type = "" })},

		{name: "label matches", spec: v1alpha1.ServiceSelection{Selector: public}, service: service("web", labelled("expose", "public")), want: true},
		{name: "label differs", spec: v1alpha1.ServiceSelection{Selector: public}, service: service("web", labelled("expose", "internal"))},
		{name: "label is missing", spec: v1alpha1.ServiceSelection{Selector: public}, service: service("web")},
		{name: "empty selector means all", spec: v1alpha1.ServiceSelection{Selector: &metav1.LabelSelector{}}, service: service("web"), want: true},

		{name: "namespace matches", spec: v1alpha1.ServiceSelection{NamespaceSelector: notProduction}, service: service("web"), want: true},
		{name: "namespace differs", spec: v1alpha1.ServiceSelection{NamespaceSelector: notProduction}, service: service("web", inNamespace("live"))},
		{name: "namespace is not known", spec: v1alpha1.ServiceSelection{NamespaceSelector: notProduction}, service: service("web", inNamespace("new"))},
		{name: "namespace is not known and not asked for", service: service("web", inNamespace("new")), want: true},

		{name: "class is listed", spec: v1alpha1.ServiceSelection{LoadBalancerClasses: []string{"a", "b"}}, service: service("web", class("b")), want: true},
		{name: "class is not listed", spec: v1alpha1.ServiceSelection{LoadBalancerClasses: []string{"a"}}, service: service("web", class("b"))},
		{name: "no class, and none is listed", spec: v1alpha1.ServiceSelection{LoadBalancerClasses: []string{"a"}}, service: service("web")},
		{name: "no class, as listed", spec: v1alpha1.ServiceSelection{LoadBalancerClasses: []string{"a", ""}}, service: service("web"), want: true},
		{name: "a class where only no class is listed", spec: v1alpha1.ServiceSelection{LoadBalancerClasses: []string{""}}, service: service("web", class("a"))},
		{name: "any class where none are listed", service: service("web", class("a")), want: true},

		{name: "every part must match", spec: v1alpha1.ServiceSelection{Selector: public, LoadBalancerClasses: []string{"a"}}, service: service("web", class("a"))},
	}
	namespaces := map[string]labels.Set{"shop": {}, "live": {"stage": "production"}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			selected, err := newSelection(&tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			if got := selected.considers(&tt.service, namespaces); got != tt.want {
				t.Errorf("considered: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestSelectorThatMakesNoSense(t *testing.T) {
	broken := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Like", Values: []string{"\x1b"}}}}
	const problem = ": is not a label selector; write matchLabels, or matchExpressions with operator In, NotIn, Exists or DoesNotExist"
	_, err := newSelection(&v1alpha1.ServiceSelection{Selector: broken})
	wantError(t, err, "spec.services.selector"+problem)
	_, err = newSelection(&v1alpha1.ServiceSelection{NamespaceSelector: broken})
	wantError(t, err, "spec.services.namespaceSelector"+problem)
}
