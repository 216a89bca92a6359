package controllers

import (
	"context"
	"errors"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
)

// rollOut notes what structure the hosts of the gateway are to have.
func (r *HostReconciler) rollOut(ctx context.Context, intent hostIntent) error {
	key, applied := intent.gatewayKey(), map[string]string{}
	if !r.rollouts.knows(key, intent.all) {
		var hosts v1alpha1.NftGatewayHostList
		if err := r.Client.List(ctx, &hosts, client.InNamespace(key.Namespace),
			client.MatchingLabels{v1alpha1.LabelGateway: key.Name}, client.UnsafeDisableDeepCopy); err != nil {
			return err
		}
		for i := range hosts.Items {
			applied[hosts.Items[i].Labels[v1alpha1.LabelHost]] = hosts.Items[i].Status.AppliedStructure
		}
	}
	r.rollouts.intend(key, intent.all, applied, intent.gateway.Spec.Rollout.MaxUnavailableOf(len(intent.all)), intent.request())
	return nil
}

// errNoTurn is not a failure of the host: another one took the turn.
var errNoTurn = errors.New("another host took the turn")

// inTurn is an attempt of which the rollout knows.
func (r *HostReconciler) inTurn(ctx context.Context, memory *hostMemory, intent hostIntent, turn turn) (ansible.Report, error) {
	if !r.rollouts.take(intent.gatewayKey(), intent.target.Name, turn) {
		return ansible.Report{}, errNoTurn
	}
	var came *ansible.Report
	defer func() { r.rollouts.settle(intent.gatewayKey(), intent.target, intent.request(), came) }()
	report, err := r.attempt(ctx, memory, intent, r.Playbook)
	if err != nil {
		return report, err
	}
	if wrong := misreported(report, intent.target); wrong != "" {
		report = ansible.Report{Reason: ansible.ReasonRunnerFailed, Message: "the run reported " + wrong}
	}
	came = &report
	return report, nil
}

// misreported says what of a good report cannot be.
func misreported(report ansible.Report, target ansible.Target) string {
	switch outcome := report.Outcome; {
	case report.Reason != "":
		return ""
	case outcome.Revision != target.Revision:
		return fmt.Sprintf("revision %q", outcome.Revision)
	case outcome.Structure != target.Structure && (outcome.Held == "" || outcome.Held == ansible.HeldAsAsked && !target.Hold):
		return fmt.Sprintf("structure %q, though it was not to be held back", outcome.Structure)
	}
	return ""
}

// wait tells of a host on which nothing can be done before its turn.
func (r *HostReconciler) wait(ctx context.Context, host *v1alpha1.NftGatewayHost, intent hostIntent, turn turn) error {
	if turn.kind == turnStopped { // a turn that comes by itself is no news for a Service
		r.Ledger.Fails(client.ObjectKeyFromObject(host), reasonRolloutStopped)
	}
	return r.report(ctx, host, waitingStatus(intent, turn))
}
