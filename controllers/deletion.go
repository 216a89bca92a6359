package controllers

import (
	"context"
	"errors"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

// removalPatience is enough for a host that is there, and for one that restarts.
const removalPatience = 2 * time.Minute

// holdBack puts the finalizer on a gateway, so that its deletion waits for us.
func (r *GatewayReconciler) holdBack(ctx context.Context, gateway *v1alpha1.NftGateway) error {
	if r.Finalizer == nil || controllerutil.ContainsFinalizer(gateway, r.Finalizer.Name) {
		return nil
	}
	base := gateway.DeepCopy()
	controllerutil.AddFinalizer(gateway, r.Finalizer.Name)
	return r.Client.Patch(ctx, gateway, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))
}

// finalize lets a deleted gateway go: at once where its hosts are retained,
// else when they were cleaned, or were given time enough to be.
func (r *GatewayReconciler) finalize(ctx context.Context, gateway *v1alpha1.NftGateway) (ctrl.Result, error) {
	if r.Finalizer == nil || !controllerutil.ContainsFinalizer(gateway, r.Finalizer.Name) {
		return ctrl.Result{}, nil
	}
	hosts, err := r.hostsOf(ctx, gateway)
	if err != nil {
		return ctrl.Result{}, err
	}
	if gateway.Spec.DeletionPolicy == v1alpha1.DeletionRemove {
		if wait := r.awaitRemoval(gateway, hosts); wait > 0 {
			return ctrl.Result{RequeueAfter: wait}, nil // each host that is cleaned brings us back sooner
		}
	}
	for i := range hosts {
		if err := r.Client.Delete(ctx, &hosts[i]); client.IgnoreNotFound(err) != nil {
			return ctrl.Result{}, err
		}
	}
	forgetGatewayMetrics(client.ObjectKeyFromObject(gateway))
	base := gateway.DeepCopy()
	controllerutil.RemoveFinalizer(gateway, r.Finalizer.Name)
	return ctrl.Result{}, client.IgnoreNotFound(r.Client.Patch(ctx, gateway, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})))
}

// awaitRemoval returns how long the hosts may still take to be cleaned. When
// that is over, it names in Events those that were not.
func (r *GatewayReconciler) awaitRemoval(gateway *v1alpha1.NftGateway, hosts []v1alpha1.NftGatewayHost) time.Duration {
	var left, others []string
	for i := range hosts {
		name, reason := hosts[i].Labels[v1alpha1.LabelHost], reasonOf(&hosts[i], v1alpha1.ConditionRemoved)
		switch {
		case apimeta.IsStatusConditionTrue(hosts[i].Status.Conditions, v1alpha1.ConditionRemoved):
		case reason == reasonHostConflict:
			others = append(others, name)
		default:
			left = append(left, name+" ("+reason+")")
		}
	}
	if wait := gateway.DeletionTimestamp.Add(r.Patience).Sub(r.Now()); len(left) > 0 && wait > 0 {
		return wait
	}
	if len(others) > 0 {
		r.Recorder.Eventf(gateway, nil, corev1.EventTypeNormal, "LeftAlone", "Remove",
			"%s: another NftGateway's, and left as it is", bounded(strings.Join(others, ", ")))
	}
	if len(left) > 0 {
		r.Recorder.Eventf(gateway, nil, corev1.EventTypeWarning, "NotRemoved", "Remove",
			"the ruleset stays on %s; run playbooks/remove.yml there, or by hand: systemctl disable nft-operator; nft delete table inet nft_operator",
			bounded(strings.Join(left, ", ")))
	}
	return 0
}

// remove cleans one host of a deleted gateway, where that is asked for. It has
// the host's queue key to itself, so no apply can come after it.
func (r *HostReconciler) remove(ctx context.Context, host *v1alpha1.NftGatewayHost, gateway *v1alpha1.NftGateway, name string) (ctrl.Result, error) {
	key := client.ObjectKeyFromObject(host)
	r.Ledger.Release(key)
	if gateway.Spec.DeletionPolicy != v1alpha1.DeletionRemove || r.RemovalPlaybook == "" ||
		apimeta.IsStatusConditionTrue(host.Status.Conditions, v1alpha1.ConditionRemoved) {
		return ctrl.Result{}, nil
	}
	intent, err := r.removalOf(ctx, gateway, name)
	if refused := (*notAccepted)(nil); errors.As(err, &refused) {
		return r.afterReport(0, r.report(ctx, host, removalStatus(gateway, metav1.ConditionFalse, refused.reason, refused.message)))
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	memory := r.memories.of(key)
	if wait := memory.wait(r.Now(), intent.entrance); wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	report, err := r.attempt(ctx, memory, intent, r.RemovalPlaybook)
	if err != nil {
		return afterNoAttempt(err)
	}
	observeRun(key, report)
	if report.Reason != "" {
		pause := memory.failed(r.Now(), intent.entrance)
		return r.afterReport(pause, r.report(ctx, host, removalStatus(gateway, metav1.ConditionFalse, string(report.Reason), report.Message)))
	}
	return r.afterReport(0, r.report(ctx, host, removalStatus(gateway, metav1.ConditionTrue, "Removed", "the operator's tables and files are gone from the host")))
}

// removalOf is what is needed to clean one host. Its error is a *notAccepted
// where the box is another gateway's, whatever the others are.
func (r *HostReconciler) removalOf(ctx context.Context, gateway *v1alpha1.NftGateway, name string) (hostIntent, error) {
	conflicts, err := conflictsOf(ctx, r.Client, gateway)
	if err != nil {
		return hostIntent{}, err
	}
	for _, conflict := range conflicts {
		if conflict.Host == name {
			return hostIntent{}, &notAccepted{reasonHostConflict, "left as it is, it is a host of NftGateway " + conflict.Holder.String()}
		}
	}
	gathered, err := r.Gatherer.gather(ctx, gateway)
	return intentOf(gathered, gateway, name), err
}

func removalStatus(gateway *v1alpha1.NftGateway, status metav1.ConditionStatus, reason, message string) statusChange {
	return func(s *v1alpha1.NftGatewayHostStatus) {
		conditionSetter(&s.Conditions, gateway.Generation)(v1alpha1.ConditionRemoved, status, reason, message)
	}
}
