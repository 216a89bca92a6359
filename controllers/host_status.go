package controllers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/internal/plan"
)

// maxRefusals is how many refusals a status lists; it counts all of them.
const maxRefusals = 100

// statusChange is what one reconcile has to say of a host.
type statusChange func(*v1alpha1.NftGatewayHostStatus)

// report writes the status where it differs, and an Event where Programmed or
// Degraded turned. It refuses to look at, or write over, a status that is not
// the last one: what is in the cache may be older than what was told last.
func (r *HostReconciler) report(ctx context.Context, host *v1alpha1.NftGatewayHost, change statusChange) error {
	if r.outdated.is(host) {
		return errOutdated
	}
	before := host.DeepCopy()
	change(&host.Status)
	if equality.Semantic.DeepEqual(before.Status, host.Status) {
		return nil
	}
	if err := r.Client.Status().Patch(ctx, host, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return client.IgnoreNotFound(err)
	}
	r.outdated.note(before, host)
	r.announceRollback(host, before.Status.LastRollback)
	for _, kind := range []string{v1alpha1.ConditionProgrammed, v1alpha1.ConditionDegraded} {
		r.announce(host, apimeta.FindStatusCondition(before.Status.Conditions, kind), apimeta.FindStatusCondition(host.Status.Conditions, kind))
	}
	if changed := host.Status.LastChangeTime; changed != nil && !changed.Equal(before.Status.LastChangeTime) {
		r.Recorder.Eventf(host, nil, corev1.EventTypeNormal, "Changed", "Apply",
			"the ruleset was changed: %d services open, %d refused", host.Status.OpenServices, host.Status.RefusedServices)
	}
	return nil
}

// announce writes an Event for a condition that turned.
func (r *HostReconciler) announce(host *v1alpha1.NftGatewayHost, before, after *metav1.Condition) {
	if after == nil || before != nil && before.Status == after.Status && before.Reason == after.Reason {
		return
	}
	if after.Reason == string(ansible.ReasonRolledBack) { // the rollback itself is told, once
		return
	}
	good := metav1.ConditionTrue
	if after.Type == v1alpha1.ConditionDegraded {
		good = metav1.ConditionFalse
	}
	kind := corev1.EventTypeWarning
	if after.Reason == reasonRolloutWaiting { // nothing is wrong
		kind = corev1.EventTypeNormal
	}
	if after.Status == good {
		if kind = corev1.EventTypeNormal; before == nil {
			return // a first good state is told by the conditions
		}
	}
	r.Recorder.Eventf(host, nil, kind, after.Reason, "Apply", "%s: %s", after.Type, after.Message)
}

// refusedStatus is that of a host whose gateway is not accepted. What runs on
// the host stays as it is.
func refusedStatus(gateway *v1alpha1.NftGateway, refused *notAccepted) statusChange {
	return func(status *v1alpha1.NftGatewayHostStatus) {
		status.ObservedGeneration = gateway.Generation
		set := conditionSetter(&status.Conditions, gateway.Generation)
		set(v1alpha1.ConditionAccepted, metav1.ConditionFalse, refused.reason, refused.message)
		set(v1alpha1.ConditionProgrammed, metav1.ConditionFalse, refused.reason, "nothing is changed on the host: "+refused.message)
	}
}

func failedStatus(intent hostIntent, report ansible.Report) statusChange {
	return func(status *v1alpha1.NftGatewayHostStatus) {
		describeIntent(status, intent)
		describeVersions(status, report.Outcome.Versions)
		set := conditionSetter(&status.Conditions, intent.gateway.Generation)
		reason := string(report.Reason)
		switch {
		case report.Reason.Unreachable(), report.Reason == ansible.ReasonNotConfirmed: // it is about a new connection, too
			set(v1alpha1.ConditionReachable, metav1.ConditionFalse, reason, report.Message)
		case report.Reason.Entered():
			set(v1alpha1.ConditionReachable, metav1.ConditionTrue, "LoggedIn", "the operator can log in")
		default:
			set(v1alpha1.ConditionReachable, metav1.ConditionUnknown, reason, report.Message)
		}
		message := report.Message
		if report.Reason == ansible.ReasonRolledBack {
			message = rolledBackMessage(report.Outcome.RolledBack)
			set(v1alpha1.ConditionDegraded, metav1.ConditionTrue, reason, message)
		}
		set(v1alpha1.ConditionProgrammed, metav1.ConditionFalse, reason, message)
		describeRollback(status, report.Outcome.RolledBack)
	}
}

// enforcedStatus is that of a host that has the openings of the intent, and its
// structure or an earlier one.
func enforcedStatus(intent hostIntent, outcome ansible.Outcome, now time.Time, turn turn) statusChange {
	return func(status *v1alpha1.NftGatewayHostStatus) {
		describeIntent(status, intent)
		describeVersions(status, outcome.Versions)
		whole := outcome.Structure == intent.target.Structure
		if whole {
			status.AppliedRevision = outcome.Revision
		}
		status.AppliedStructure = outcome.Structure
		status.LastCheckTime = &metav1.Time{Time: now.Truncate(time.Second)}
		if outcome.Changed {
			status.LastChangeTime = status.LastCheckTime
		}
		if len(outcome.Drift) > 0 {
			status.LastDriftTime = status.LastCheckTime
		}
		status.Boot = outcome.Boot
		describeRollback(status, outcome.RolledBack)
		status.Drops = nil
		for _, drop := range outcome.Drops {
			status.Drops = append(status.Drops, v1alpha1.Drop(drop))
		}
		describeLimits(status, outcome.Limits)
		set := conditionSetter(&status.Conditions, intent.gateway.Generation)
		set(v1alpha1.ConditionReachable, metav1.ConditionTrue, "LoggedIn", "the operator can log in")
		if whole {
			set(v1alpha1.ConditionProgrammed, metav1.ConditionTrue, "Programmed", "the intended ruleset was read back from the kernel")
		} else {
			reason, message := turn.explain()
			if outcome.Held == ansible.HeldRolledBack {
				reason, message = string(ansible.ReasonRolledBack), rolledBackMessage(outcome.RolledBack)
			}
			set(v1alpha1.ConditionProgrammed, metav1.ConditionFalse, reason, message+"; openings of Services are as intended")
		}
		describeDegraded(set, outcome)
	}
}

// describeDegraded says what needs a person on a host that was changed, or that
// nothing does.
func describeDegraded(set func(kind string, status metav1.ConditionStatus, reason, message string), outcome ansible.Outcome) {
	switch {
	case outcome.LocalChain.State == ansible.LocalChainBroken:
		set(v1alpha1.ConditionDegraded, metav1.ConditionTrue, "LocalChainBroken", localChainMessage(outcome.LocalChain))
	case outcome.Held == ansible.HeldRolledBack:
		set(v1alpha1.ConditionDegraded, metav1.ConditionTrue, string(ansible.ReasonRolledBack), rolledBackMessage(outcome.RolledBack))
	case outcome.LocalChain.DropsAll:
		set(v1alpha1.ConditionDegraded, metav1.ConditionTrue, "LocalChainDropsAll", "a rule in /etc/nftables.d/local-chain.nft drops every packet that comes to it, "+
			"so only what the rules before it accept passes this host; SSH from the cluster side and from managementCIDRs is not concerned")
	default:
		set(v1alpha1.ConditionDegraded, metav1.ConditionFalse, "AsIntended", "nothing needs a person")
	}
}

// Reasons of the condition Programmed of a host that waits for its turn.
const (
	reasonRolloutWaiting = "RolloutWaiting"
	reasonRolloutStopped = "RolloutStopped"
)

// waitingStatus is that of a host that has nothing yet that could be kept current.
func waitingStatus(intent hostIntent, turn turn) statusChange {
	return func(status *v1alpha1.NftGatewayHostStatus) {
		describeIntent(status, intent)
		reason, message := turn.explain()
		conditionSetter(&status.Conditions, intent.gateway.Generation)(v1alpha1.ConditionProgrammed, metav1.ConditionFalse, reason, message)
	}
}

// explain says why the structure of a host is not the intended one.
func (t turn) explain() (reason, message string) {
	switch t.kind {
	case turnFirst:
		return reasonRolloutWaiting, "the firewall is changed on " + t.host + " first, and here when that can still be logged in to"
	case turnStopped:
		return reasonRolloutStopped, "the firewall is not changed here, because " + t.host + " took the change back: see there"
	default:
		return reasonRolloutWaiting, "the firewall is being changed on other hosts, spec.rollout.maxUnavailable of them at a time"
	}
}

func localChainMessage(chain ansible.LocalChain) string {
	return bounded(fmt.Sprintf("/etc/nftables.d/local-chain.nft is not in force, the last good one is; everything else is enforced. Line %d: %s", chain.Line, chain.Message))
}

func describeIntent(status *v1alpha1.NftGatewayHostStatus, intent hostIntent) {
	status.ObservedGeneration = intent.gateway.Generation
	status.Address = net.JoinHostPort(intent.target.Address, strconv.Itoa(int(intent.target.Port)))
	status.IntendedRevision = intent.target.Revision
	status.OpenServices = int32(intent.Plan.OpenServices())
	status.RefusedServices = int32(intent.Plan.RefusedServices())
	status.Refusals = refusalsOf(intent.Plan)
	conditionSetter(&status.Conditions, intent.gateway.Generation)(
		v1alpha1.ConditionAccepted, metav1.ConditionTrue, reasonAccepted, "the spec makes sense")
}

func describeVersions(status *v1alpha1.NftGatewayHostStatus, versions ansible.Versions) {
	if versions != (ansible.Versions{}) {
		status.Versions = &v1alpha1.Versions{Nft: versions.Nft, Kernel: versions.Kernel, Python: versions.Python, OS: versions.OS}
	}
}

// maxOverLimit is how many Services a status lists that were over their limits.
const maxOverLimit = 20

func describeLimits(status *v1alpha1.NftGatewayHostStatus, limits ansible.Limits) {
	status.RateLimiting = nil
	if limits.Engine != "" {
		status.RateLimiting = &v1alpha1.HostRateLimiting{Engine: limits.Engine, Because: limits.Because}
	}
	status.OverLimit = nil
	for _, over := range limits.Over[:min(maxOverLimit, len(limits.Over))] {
		status.OverLimit = append(status.OverLimit, v1alpha1.OverLimit(over))
	}
}

func refusalsOf(gateway plan.Gateway) []v1alpha1.Refusal {
	var refusals []v1alpha1.Refusal
	for _, refusal := range gateway.Refusals[:min(maxRefusals, len(gateway.Refusals))] {
		refusals = append(refusals, v1alpha1.Refusal{
			Service: refusal.Service.String(), Reason: string(refusal.Reason), Message: refusal.Message,
		})
	}
	return refusals
}

// conditionSetter sets conditions of one generation. The time of a condition
// changes only with its status.
func conditionSetter(conditions *[]metav1.Condition, generation int64) func(kind string, status metav1.ConditionStatus, reason, message string) {
	return func(kind string, status metav1.ConditionStatus, reason, message string) {
		apimeta.SetStatusCondition(conditions, metav1.Condition{
			Type: kind, Status: status, Reason: reason, Message: bounded(message), ObservedGeneration: generation,
		})
	}
}

// bounded keeps a message within what a condition and an Event may hold.
func bounded(message string) string {
	const limit = 900
	if len(message) <= limit {
		return message
	}
	return strings.ToValidUTF8(message[:limit], "") + "…"
}

// jittered spreads the checks of many hosts over time.
func jittered(period time.Duration) time.Duration {
	return period - time.Duration(rand.Int64N(int64(period)/10+1))
}
