package controllers

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/plan"
)

// triggers says which host or gateway a change in the cluster concerns.
type triggers struct {
	reader    client.Reader
	namespace string
	planner   *Planner
}

// everyHost returns the hosts of every NftGateway: which of them select a
// Service is the plan's to say, and asking costs no run.
func (t triggers) everyHost(ctx context.Context, _ client.Object) []ctrl.Request {
	var gateways v1alpha1.NftGatewayList
	if err := t.reader.List(ctx, &gateways, client.InNamespace(t.namespace)); err != nil {
		return nil
	}
	var requests []ctrl.Request
	for i := range gateways.Items {
		requests = append(requests, hostsOf(&gateways.Items[i])...)
	}
	return requests
}

// everyHostAnew is everyHost for what plans are made of.
func (t triggers) everyHostAnew(ctx context.Context, changed client.Object) []ctrl.Request {
	t.planner.Changed()
	return t.everyHost(ctx, changed)
}

// hostsOfSecret returns the hosts whose private key a Secret holds.
func (t triggers) hostsOfSecret(ctx context.Context, secret client.Object) []ctrl.Request {
	var requests []ctrl.Request
	for _, gateway := range t.gatewaysWithSecret(ctx, secret) {
		requests = append(requests, hostsOf(&gateway)...)
	}
	return requests
}

// gatewaysOfSecret returns the gateways whose private key a Secret holds.
func (t triggers) gatewaysOfSecret(ctx context.Context, secret client.Object) []ctrl.Request {
	var requests []ctrl.Request
	for _, gateway := range t.gatewaysWithSecret(ctx, secret) {
		requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&gateway)})
	}
	return requests
}

func (t triggers) gatewaysWithSecret(ctx context.Context, secret client.Object) []v1alpha1.NftGateway {
	var gateways v1alpha1.NftGatewayList
	if err := t.reader.List(ctx, &gateways, client.InNamespace(secret.GetNamespace())); err != nil {
		return nil
	}
	var with []v1alpha1.NftGateway
	for _, gateway := range gateways.Items {
		if gateway.Spec.SSH.PrivateKeySecretRef.Name == secret.GetName() {
			with = append(with, gateway)
		}
	}
	return with
}

// otherGateways returns every gateway: when one leaves or changes, a conflict
// over a host may end.
func (t triggers) otherGateways(ctx context.Context, _ client.Object) []ctrl.Request {
	var gateways v1alpha1.NftGatewayList
	if err := t.reader.List(ctx, &gateways, client.InNamespace(t.namespace)); err != nil {
		return nil
	}
	var requests []ctrl.Request
	for i := range gateways.Items {
		requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&gateways.Items[i])})
	}
	return requests
}

func hostsOf(gateway *v1alpha1.NftGateway) []ctrl.Request {
	var requests []ctrl.Request
	for _, host := range gateway.Spec.Hosts {
		requests = append(requests, ctrl.Request{NamespacedName: hostKey(client.ObjectKeyFromObject(gateway), host.Name)})
	}
	return requests
}

// matteringServices passes events of Services that a gateway might open, or
// might have opened, and of those only what a plan looks at: not, for
// instance, the conditions that the operator itself writes.
func matteringServices() predicate.Predicate {
	balanced := func(object client.Object) bool {
		service, ok := object.(*corev1.Service)
		return ok && service.Spec.Type == corev1.ServiceTypeLoadBalancer
	}
	return predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool { return balanced(e.Object) },
		DeleteFunc: func(e event.DeleteEvent) bool { return balanced(e.Object) },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, ok1 := e.ObjectOld.(*corev1.Service)
			after, ok2 := e.ObjectNew.(*corev1.Service)
			return ok1 && ok2 && (balanced(before) || balanced(after)) && !plannedAlike(before, after)
		},
	}
}

// plannedAlike reports whether nothing that a plan looks at differs.
func plannedAlike(a, b *corev1.Service) bool {
	return a.UID == b.UID && a.Generation == b.Generation &&
		equality.Semantic.DeepEqual(a.Spec, b.Spec) &&
		equality.Semantic.DeepEqual(a.Labels, b.Labels) &&
		plan.SameAnnotations(a, b) &&
		equality.Semantic.DeepEqual(a.Status.LoadBalancer, b.Status.LoadBalancer)
}

// carriesCondition passes Services that have the operator's condition when the
// operator starts, so that one that is not opened any more loses it, and those
// whose condition changed: whoever changed it, what it says is looked at again.
func carriesCondition() predicate.Predicate {
	conditionOf := func(object client.Object) *metav1.Condition {
		service, ok := object.(*corev1.Service)
		if !ok {
			return nil
		}
		return apimeta.FindStatusCondition(service.Status.Conditions, v1alpha1.ServiceConditionProgrammed)
	}
	return predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool { return conditionOf(e.Object) != nil },
		UpdateFunc: func(e event.UpdateEvent) bool {
			return !equality.Semantic.DeepEqual(conditionOf(e.ObjectOld), conditionOf(e.ObjectNew))
		},
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}
