package controllers

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/internal/plan"
)

// Intent is what the hosts of one gateway are to enforce, and how they are entered.
type Intent struct {
	// Planned is nil where nothing could be planned.
	*Planned
	Access ansible.Access
	// Targets are the hosts, in the order of the spec.
	Targets []ansible.Target
	// ConfirmTimeout is how long they wait to be logged in to anew.
	ConfirmTimeout time.Duration
}

// Gatherer makes intents of what the API server knows.
type Gatherer struct {
	*Planner
	// secrets reads Secrets by itself, because they are not cached.
	secrets client.Reader
}

// NewGatherer returns a Gatherer that makes intents for the templates of the
// rules. Whoever keeps it tells it of changes: see Planner.Changed.
func NewGatherer(reader, secrets client.Reader, templates ansible.Templates) *Gatherer {
	return &Gatherer{Planner: newPlanner(reader, templates), secrets: secrets}
}

// Gather returns the intent of a gateway. Its error says what a person can mend,
// or is that of the API server. Where only the way in is at fault, the Intent
// is Planned all the same.
func (g *Gatherer) Gather(ctx context.Context, gateway *v1alpha1.NftGateway) (Intent, error) {
	if err := refuseConflict(ctx, g.reader, gateway); err != nil {
		return Intent{}, err
	}
	return g.gather(ctx, gateway)
}

// gather is Gather, whoever else names the same boxes.
func (g *Gatherer) gather(ctx context.Context, gateway *v1alpha1.NftGateway) (Intent, error) {
	planned, err := g.planOf(ctx, gateway)
	if err != nil {
		return Intent{}, err
	}
	intent := Intent{Planned: planned, ConfirmTimeout: gateway.Spec.Rollout.ConfirmTimeoutOrDefault()}
	if intent.Access, err = accessOf(ctx, g.secrets, gateway); err != nil {
		return intent, err
	}
	for _, host := range gateway.Spec.Hosts {
		target, err := targetOf(planned, gateway, host)
		if err != nil {
			return Intent{}, err
		}
		intent.Targets = append(intent.Targets, target)
	}
	return intent, nil
}

func targetOf(planned *Planned, gateway *v1alpha1.NftGateway, host v1alpha1.GatewayHost) (ansible.Target, error) {
	onHost, err := planned.Plan.ForHost(&gateway.Spec, host)
	if err != nil {
		return ansible.Target{}, &notAccepted{reasonInvalidSpec, err.Error()}
	}
	target := ansible.Target{
		Name:             onHost.Name,
		Address:          string(host.Address),
		Port:             onHost.SSHPort,
		SSHDPort:         onHost.SSHDPort,
		User:             string(gateway.Spec.SSHUser(host)),
		PublicInterfaces: onHost.PublicInterfaces,
	}
	target.Revision, target.Structure = ansible.Revision(planned.digest, target), ansible.Revision(planned.structure, target)
	return target, nil
}

// Run is the run of a playbook that brings all hosts to the intent.
func (i Intent) Run(playbook string) ansible.Run {
	return ansible.Run{
		Playbook: playbook, Targets: i.Targets, Access: i.Access, Vars: i.Vars,
		ConfirmTimeoutSeconds: int(i.ConfirmTimeout / time.Second),
	}
}

// refuseConflict refuses a gateway that names a box which an older gateway
// has: two of them would undo each other's work for ever.
func refuseConflict(ctx context.Context, reader client.Reader, gateway *v1alpha1.NftGateway) error {
	conflicts, err := conflictsOf(ctx, reader, gateway)
	if err != nil || len(conflicts) == 0 {
		return err
	}
	return &notAccepted{reasonHostConflict, conflicts[0].Message}
}

// conflictsOf are the hosts of a gateway that are an older one's.
func conflictsOf(ctx context.Context, reader client.Reader, gateway *v1alpha1.NftGateway) ([]plan.HostConflict, error) {
	var gateways v1alpha1.NftGatewayList
	if err := reader.List(ctx, &gateways, client.InNamespace(gateway.Namespace)); err != nil {
		return nil, err
	}
	return plan.HostConflicts(gateways.Items)[plan.GatewayKey{Namespace: gateway.Namespace, Name: gateway.Name}], nil
}
