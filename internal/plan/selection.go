package plan

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

// selection says which Services a gateway considers.
type selection struct {
	services labels.Selector
	// namespaces is nil where every namespace is meant.
	namespaces labels.Selector
	// classes is empty where every class is meant; "" is "names no class".
	classes []string
}

func newSelection(spec *v1alpha1.ServiceSelection) (selection, error) {
	services, err := newSelector("spec.services.selector", spec.Selector)
	if err != nil {
		return selection{}, err
	}
	namespaces, err := newSelector("spec.services.namespaceSelector", spec.NamespaceSelector)
	if err != nil {
		return selection{}, err
	}
	return selection{services: services, namespaces: namespaces, classes: spec.LoadBalancerClasses}, nil
}

// newSelector returns nil for a selector that is left out.
func newSelector(field string, spec *metav1.LabelSelector) (labels.Selector, error) {
	if spec == nil {
		return nil, nil
	}
	selector, err := metav1.LabelSelectorAsSelector(spec)
	if err != nil {
		return nil, &SpecError{Field: field, Problem: "is not a label selector; write matchLabels, or matchExpressions with operator In, NotIn, Exists or DoesNotExist"}
	}
	return selector, nil
}

// considers reports whether the gateway considers the Service.
func (s *selection) considers(service *corev1.Service, namespaces map[string]labels.Set) bool {
	return service.Spec.Type == corev1.ServiceTypeLoadBalancer &&
		s.matchesClass(service.Spec.LoadBalancerClass) &&
		(s.services == nil || s.services.Matches(labels.Set(service.Labels))) &&
		s.matchesNamespace(service.Namespace, namespaces)
}

func (s *selection) matchesClass(class *string) bool {
	if len(s.classes) == 0 {
		return true
	}
	name := ""
	if class != nil {
		name = *class
	}
	return slices.Contains(s.classes, name)
}

// matchesNamespace never picks a namespace whose labels are not known: a
// selector such as "not production" would match it for want of labels.
func (s *selection) matchesNamespace(namespace string, namespaces map[string]labels.Set) bool {
	if s.namespaces == nil {
		return true
	}
	set, known := namespaces[namespace]
	return known && s.namespaces.Matches(set)
}
