package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/watches"
)

// GatewayReconciler keeps one NftGatewayHost for each host of an NftGateway
// and sums them up in its status.
type GatewayReconciler struct {
	Client client.Client
	// Gatherer says whether the gateway is accepted.
	Gatherer *Gatherer
	// Recorder writes Events.
	Recorder events.EventRecorder
	// Namespace is the one whose NftGateways count.
	Namespace string
	// Finalizer is what watches.yaml says of deletion; nil where it says nothing.
	Finalizer *watches.Finalizer
	// Patience is how long a deletion waits for its hosts. After that, those
	// that could not be cleaned are named in an Event.
	Patience time.Duration
	// Now is the clock.
	Now func() time.Time
}

// Reconcile brings the NftGatewayHosts and the status in line with the spec.
func (r *GatewayReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var gateway v1alpha1.NftGateway
	if err := r.Client.Get(ctx, req.NamespacedName, &gateway); err != nil {
		forgetGatewayMetrics(req.NamespacedName)
		r.Gatherer.Forget(req.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if gateway.Namespace != r.Namespace {
		return ctrl.Result{}, r.report(ctx, &gateway, nil, &notAccepted{reasonNamespaceIgnored,
			fmt.Sprintf("this operator works for NftGateways in namespace %s only; create it there", r.Namespace)})
	}
	if !gateway.DeletionTimestamp.IsZero() {
		return r.finalize(ctx, &gateway)
	}
	if err := r.holdBack(ctx, &gateway); err != nil {
		return ctrl.Result{}, err
	}
	hosts, err := r.keepHosts(ctx, &gateway)
	if err != nil {
		return ctrl.Result{}, err
	}
	refused, err := r.refusalOf(ctx, &gateway)
	if err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, r.report(ctx, &gateway, hosts, refused)
}

// refusalOf returns why the gateway is not accepted, nil when it is.
func (r *GatewayReconciler) refusalOf(ctx context.Context, gateway *v1alpha1.NftGateway) (*notAccepted, error) {
	_, err := r.Gatherer.Gather(ctx, gateway)
	var refused *notAccepted
	if errors.As(err, &refused) {
		return refused, nil
	}
	return nil, err
}

// keepHosts creates missing NftGatewayHosts, removes those whose host left the
// spec, and returns the others.
func (r *GatewayReconciler) keepHosts(ctx context.Context, gateway *v1alpha1.NftGateway) ([]v1alpha1.NftGatewayHost, error) {
	present, err := r.hostsOf(ctx, gateway)
	if err != nil {
		return nil, err
	}
	existing := map[string]v1alpha1.NftGatewayHost{}
	for _, host := range present {
		existing[host.Name] = host
	}
	var kept []v1alpha1.NftGatewayHost
	for _, host := range gateway.Spec.Hosts {
		key := hostKey(client.ObjectKeyFromObject(gateway), host.Name)
		if object, found := existing[key.Name]; found {
			kept = append(kept, object)
			delete(existing, key.Name)
			continue
		}
		object, err := r.createHost(ctx, gateway, key, host.Name)
		if err != nil {
			return nil, err
		}
		kept = append(kept, object)
	}
	for _, object := range existing {
		if err := r.Client.Delete(ctx, &object); client.IgnoreNotFound(err) != nil {
			return nil, err
		}
	}
	return kept, nil
}

// hostsOf lists the NftGatewayHosts of a gateway.
func (r *GatewayReconciler) hostsOf(ctx context.Context, gateway *v1alpha1.NftGateway) ([]v1alpha1.NftGatewayHost, error) {
	var list v1alpha1.NftGatewayHostList
	err := r.Client.List(ctx, &list, client.InNamespace(gateway.Namespace), client.MatchingLabels{v1alpha1.LabelGateway: gateway.Name})
	return list.Items, err
}

func (r *GatewayReconciler) createHost(ctx context.Context, gateway *v1alpha1.NftGateway, key types.NamespacedName, name string) (v1alpha1.NftGatewayHost, error) {
	object := v1alpha1.NftGatewayHost{ObjectMeta: metav1.ObjectMeta{
		Namespace: key.Namespace,
		Name:      key.Name,
		Labels:    map[string]string{v1alpha1.LabelGateway: gateway.Name, v1alpha1.LabelHost: name},
	}}
	if err := controllerutil.SetControllerReference(gateway, &object, r.Client.Scheme()); err != nil {
		return object, err
	}
	err := r.Client.Create(ctx, &object)
	if apierrors.IsAlreadyExists(err) { // made a moment ago, not in the cache yet
		err = nil
	}
	return object, err
}

// report writes the status where it differs.
func (r *GatewayReconciler) report(ctx context.Context, gateway *v1alpha1.NftGateway, hosts []v1alpha1.NftGatewayHost, refused *notAccepted) error {
	before := gateway.DeepCopy()
	summarize(gateway, hosts, refused)
	observeGateway(gateway)
	if equality.Semantic.DeepEqual(before.Status, gateway.Status) {
		return nil
	}
	return client.IgnoreNotFound(r.Client.Status().Patch(ctx, gateway, client.MergeFrom(before)))
}

// summarize makes the gateway's status of those of its hosts.
func summarize(gateway *v1alpha1.NftGateway, hosts []v1alpha1.NftGatewayHost, refused *notAccepted) {
	status := &gateway.Status
	status.ObservedGeneration = gateway.Generation
	set := conditionSetter(&status.Conditions, gateway.Generation)
	if refused != nil {
		set(v1alpha1.ConditionAccepted, metav1.ConditionFalse, refused.reason, refused.message)
	} else {
		set(v1alpha1.ConditionAccepted, metav1.ConditionTrue, reasonAccepted, "the spec makes sense")
	}
	programmed := 0
	var waiting, degraded []string
	for i := range hosts {
		host := &hosts[i]
		status.OpenServices, status.RefusedServices = host.Status.OpenServices, host.Status.RefusedServices
		if current(host, gateway.Generation) {
			programmed++
		} else {
			waiting = append(waiting, host.Labels[v1alpha1.LabelHost]+": "+reasonOf(host, v1alpha1.ConditionProgrammed))
		}
		if apimeta.IsStatusConditionTrue(host.Status.Conditions, v1alpha1.ConditionDegraded) {
			degraded = append(degraded, host.Labels[v1alpha1.LabelHost]+": "+reasonOf(host, v1alpha1.ConditionDegraded))
		}
	}
	status.Hosts = fmt.Sprintf("%d/%d", programmed, len(gateway.Spec.Hosts))
	switch {
	case refused != nil:
		set(v1alpha1.ConditionProgrammed, metav1.ConditionFalse, refused.reason, "nothing is changed on the hosts: "+refused.message)
	case programmed < len(gateway.Spec.Hosts):
		set(v1alpha1.ConditionProgrammed, metav1.ConditionFalse, reasonHostNotProgrammed, strings.Join(waiting, "; "))
	default:
		set(v1alpha1.ConditionProgrammed, metav1.ConditionTrue, "Programmed", "every host runs the intended ruleset")
	}
	if len(degraded) > 0 {
		set(v1alpha1.ConditionDegraded, metav1.ConditionTrue, "HostDegraded", strings.Join(degraded, "; "))
	} else {
		set(v1alpha1.ConditionDegraded, metav1.ConditionFalse, "AsIntended", "nothing needs a person")
	}
}

// current reports whether the host was seen to enforce this generation.
func current(host *v1alpha1.NftGatewayHost, generation int64) bool {
	condition := apimeta.FindStatusCondition(host.Status.Conditions, v1alpha1.ConditionProgrammed)
	return condition != nil && condition.Status == metav1.ConditionTrue && condition.ObservedGeneration == generation
}

func reasonOf(host *v1alpha1.NftGatewayHost, kind string) string {
	if condition := apimeta.FindStatusCondition(host.Status.Conditions, kind); condition != nil {
		return condition.Reason
	}
	return reasonPending
}
