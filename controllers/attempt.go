package controllers

import (
	"context"
	"errors"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

// errNoSlot is not a failure of the host: it is tried again soon.
var errNoSlot = errors.New("other hosts that fail are being tried")

// slotPause is how long a host waits that found no slot.
const slotPause = 250 * time.Millisecond

// attempt runs a playbook once on the host, and reports how the host took it.
// Its error says why there was none, which tells nothing about the host: see
// afterNoAttempt. A doubtful host must first answer a probe, so that a dead box
// does not hold a slot.
func (r *HostReconciler) attempt(ctx context.Context, memory *hostMemory, intent hostIntent, playbook string) (ansible.Report, error) {
	report, err := r.run(ctx, memory, intent, playbook)
	if err == nil && report.Reason == ansible.ReasonStaleWriter {
		return r.overtaken(ctx, report)
	}
	return report, err
}

func (r *HostReconciler) run(ctx context.Context, memory *hostMemory, intent hostIntent, playbook string) (ansible.Report, error) {
	if !memory.doubtful() {
		return r.runs.together(ctx, intent, playbook)
	}
	if reason, message := r.Probe(ctx, intent.Access, intent.target); reason != "" {
		return ansible.Report{Reason: reason, Message: message}, ctx.Err()
	}
	select { // waiting here would hold a worker that other hosts may need
	case r.Doubtful <- struct{}{}:
		defer func() { <-r.Doubtful }()
	default:
		return ansible.Report{}, errNoSlot
	}
	return r.runs.alone(ctx, intent, playbook)
}

// overtaken finds out who the host takes for newer: the operator that
// superseded this one, which then ends, or one that this cluster does not know.
func (r *HostReconciler) overtaken(ctx context.Context, report ansible.Report) (ansible.Report, error) {
	overtaken, err := r.Epoch.overtaken(ctx)
	switch {
	case err != nil:
		return report, err
	case overtaken:
		return report, ErrSuperseded
	}
	report.Message = bounded("no operator of this cluster is newer than this one: see that no NftGateway of another cluster names this host, " +
		"then restart this operator, which makes it the newest. The host says: " + report.Message)
	return report, nil
}

// afterNoAttempt says when to try again after there was no attempt.
func afterNoAttempt(err error) (ctrl.Result, error) {
	switch {
	case errors.Is(err, errNoSlot):
		return ctrl.Result{RequeueAfter: slotPause}, nil
	case errors.Is(err, errNoTurn):
		return ctrl.Result{RequeueAfter: untilCached}, nil
	case errors.Is(err, ErrSuperseded):
		return ctrl.Result{}, reconcile.TerminalError(err)
	}
	return ctrl.Result{}, err
}

func reasonOfRun(err error) ansible.Reason {
	if errors.Is(err, ansible.ErrTimeout) {
		return ansible.ReasonRunTimeout
	}
	return ansible.ReasonRunnerFailed
}
