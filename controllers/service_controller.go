package controllers

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/plan"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

// ServiceReconciler tells a Service where it is open: by a condition in its
// status, and by Events when that turns.
type ServiceReconciler struct {
	Client   client.Client
	Ledger   *Ledger
	Recorder events.EventRecorder
	// Namespace is the one whose NftGateways count.
	Namespace string
}

// retryUnknown is how long a Service waits when some host's plan is not known yet.
// The plan itself wakes only the Services that it names.
const retryUnknown = 2 * time.Second

// Reconcile brings the Service's condition in line with the ledger.
func (r *ServiceReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var service corev1.Service
	if err := r.Client.Get(ctx, req.NamespacedName, &service); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	key, err := plan.NewServiceKey(service.Namespace, service.Name)
	if err != nil { // such a Service is planned nowhere
		return ctrl.Result{}, reconcile.TerminalError(err)
	}
	before := apimeta.FindStatusCondition(service.Status.Conditions, v1alpha1.ServiceConditionProgrammed).DeepCopy()
	standings := r.Ledger.Standings(key)
	if len(standings) == 0 {
		return r.withdraw(ctx, &service, before)
	}
	after, settled := serviceCondition(service.Generation, standings)
	if before != nil { // until each host was tried, what was true before the restart stands
		considered, err := r.everyHost(ctx, r.Ledger.Considered)
		switch {
		case err != nil:
			return ctrl.Result{}, err
		case !considered:
			return ctrl.Result{RequeueAfter: retryUnknown}, nil
		case !settled:
			return ctrl.Result{}, nil
		}
	}
	if before != nil && sameCondition(*before, after) {
		return ctrl.Result{}, nil
	}
	if err := r.patchStatus(ctx, &service, func(conditions *[]metav1.Condition) { apimeta.SetStatusCondition(conditions, after) }); err != nil {
		return afterPatch(err)
	}
	r.announce(&service, before, after)
	r.announceNotices(&service, before, noticesOf(standings))
	return ctrl.Result{}, nil
}

// withdraw takes the condition off a Service that no gateway names, once every
// gateway's plan is known.
func (r *ServiceReconciler) withdraw(ctx context.Context, service *corev1.Service, before *metav1.Condition) (ctrl.Result, error) {
	if before == nil {
		return ctrl.Result{}, nil
	}
	known, err := r.everyHost(ctx, r.Ledger.Planned)
	if err != nil {
		return ctrl.Result{}, err
	}
	if !known {
		return ctrl.Result{RequeueAfter: retryUnknown}, nil
	}
	if err := r.patchStatus(ctx, service, func(conditions *[]metav1.Condition) {
		apimeta.RemoveStatusCondition(conditions, v1alpha1.ServiceConditionProgrammed)
	}); err != nil {
		return afterPatch(err)
	}
	r.Recorder.Eventf(service, nil, corev1.EventTypeNormal, "Withdrawn", "Apply", "no NftGateway names this service any more")
	return ctrl.Result{}, nil
}

// everyHost reports whether the ledger says so of every host there is.
func (r *ServiceReconciler) everyHost(ctx context.Context, says func(types.NamespacedName) bool) (bool, error) {
	var hosts v1alpha1.NftGatewayHostList
	if err := r.Client.List(ctx, &hosts, client.InNamespace(r.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return false, err
	}
	for i := range hosts.Items {
		if !says(client.ObjectKeyFromObject(&hosts.Items[i])) {
			return false, nil
		}
	}
	return true, nil
}

// patchStatus changes the conditions of the Service as it was seen; where it
// changed since, that is an error, so that no Event is told of what was not so.
func (r *ServiceReconciler) patchStatus(ctx context.Context, service *corev1.Service, change func(*[]metav1.Condition)) error {
	base := service.DeepCopy()
	change(&service.Status.Conditions)
	return r.Client.Status().Patch(ctx, service, client.StrategicMergeFrom(base, client.MergeFromWithOptimisticLock{}))
}

// afterPatch tries again soon where the Service was outdated.
func afterPatch(err error) (ctrl.Result, error) {
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: untilCached}, nil
	}
	return ctrl.Result{}, client.IgnoreNotFound(err)
}

// announce writes the Event of a condition that turned. Notices are announced by
// themselves.
func (r *ServiceReconciler) announce(service *corev1.Service, before *metav1.Condition, after metav1.Condition) {
	standing, _ := readMessage(after.Message)
	if before != nil && before.Status == after.Status && before.Reason == after.Reason {
		if stood, _ := readMessage(before.Message); stood == standing {
			return
		}
	}
	switch {
	case after.Status == metav1.ConditionTrue:
		r.Recorder.Eventf(service, nil, corev1.EventTypeNormal, "Opened", "Apply", "%s", standing)
	case after.Reason == reasonPending: // the end of waiting is told, not the wait
	default:
		r.Recorder.Eventf(service, nil, corev1.EventTypeWarning, after.Reason, "Apply", "%s", standing)
	}
}

// Reasons of a Service's condition, besides those of refusals.
const (
	reasonOpen              = "Open"
	reasonPending           = "Pending"
	reasonHostNotProgrammed = "HostNotProgrammed"
)

// serviceCondition sums up how a Service stands on all hosts. settled is false
// while a host that should open it was not tried since the operator started.
func serviceCondition(generation int64, standings []Standing) (condition metav1.Condition, settled bool) {
	condition = metav1.Condition{
		Type: v1alpha1.ServiceConditionProgrammed, Status: metav1.ConditionFalse, ObservedGeneration: generation,
	}
	settled = true
	var failing []string
	enforced, exposures := 0, 0
	for _, standing := range standings {
		exposures = max(exposures, len(standing.Exposures))
		switch {
		case standing.Enforced:
			enforced++
		case !standing.Attempted:
			settled = false
		case standing.Problem != "":
			failing = append(failing, standing.lag())
		}
	}
	where := fmt.Sprintf("on %d of %d gateway hosts", enforced, len(standings))
	refusals := firstRefusals(standings)
	switch {
	case len(refusals) > 0:
		condition.Reason = string(refusals[0].Reason)
		condition.Message = refusedMessage(refusals, exposures, where, failing)
	case len(failing) > 0 && exposures > 0:
		condition.Reason = reasonHostNotProgrammed
		condition.Message = bounded("open as asked " + where + "; " + strings.Join(failing, "; "))
	case len(failing) > 0:
		condition.Reason = reasonHostNotProgrammed
		condition.Message = bounded("no NftGateway names this service any more, but " + strings.Join(failing, "; "))
	case exposures == 0:
		condition.Reason = reasonPending
		condition.Message = "no NftGateway names this service any more, it is being closed"
	case enforced < len(standings):
		condition.Reason = reasonPending
		condition.Message = "open as asked " + where + ", the others are on their way"
	default:
		condition.Status = metav1.ConditionTrue
		condition.Reason = reasonOpen
		condition.Message = bounded("open " + where + ": " + exposureTexts(standings[0].Exposures) + limitTexts(standings[0].Limits))
	}
	condition.Message = writeMessage(condition.Message, noticesOf(standings))
	return condition, settled || len(refusals) > 0 && exposures == 0
}

// firstRefusals are those of the first host that has any. Hosts of one gateway
// refuse alike.
func firstRefusals(standings []Standing) []plan.Refusal {
	for _, standing := range standings {
		if len(standing.Refusals) > 0 {
			return standing.Refusals
		}
	}
	return nil
}

// lag says what keeps a host from being as the plan has it.
func (s Standing) lag() string {
	if s.Leftover > 0 {
		return fmt.Sprintf("%s still has it open: %s", s.Host.Name, s.Problem)
	}
	return fmt.Sprintf("%s: %s", s.Host.Name, s.Problem)
}

func refusedMessage(refusals []plan.Refusal, exposures int, where string, failing []string) string {
	message := refusals[0].Message
	if more := len(refusals) - 1; more > 0 {
		message += fmt.Sprintf(" (and %d more)", more)
	}
	if exposures > 0 {
		message += "; the rest of the service is open " + where
	}
	return bounded(strings.Join(append([]string{message}, failing...), "; "))
}

// exposureTexts lists openings as people write them, a handful at the most.
func exposureTexts(exposures []plan.Exposure) string {
	const most = 8
	var texts []string
	for _, exposure := range exposures[:min(most, len(exposures))] {
		text := fmt.Sprintf("%s %s/%d", exposure.Address, exposure.Protocol, exposure.Port)
		if exposure.Sources != nil {
			text += fmt.Sprintf(" for %d source ranges", len(exposure.Sources))
		}
		texts = append(texts, text)
	}
	if more := len(exposures) - most; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ", ")
}

// limitTexts says what an open Service is held to.
func limitTexts(limits ratelimit.Limits) string {
	if limits == (ratelimit.Limits{}) {
		return ""
	}
	return "; limited to " + limits.String()
}

func sameCondition(a, b metav1.Condition) bool {
	return a.Status == b.Status && a.Reason == b.Reason && a.Message == b.Message && a.ObservedGeneration == b.ObservedGeneration
}
