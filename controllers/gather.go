package controllers

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/internal/plan"
)

// Intent is what the hosts of one gateway are to enforce, and how they are entered.
type Intent struct {
	Plan   plan.Gateway
	Vars   ansible.Vars
	Access ansible.Access
	// Targets are the hosts, in the order of the spec.
	Targets []ansible.Target
	// ConfirmTimeout is how long they wait to be logged in to anew.
	ConfirmTimeout time.Duration
}

// Gather reads what the API server knows and makes the intent of a gateway of
// it, for the templates of the rules. Secrets are read by a reader of their own,
// because they are not cached.
// Its error says what a person can mend, or is that of the API server. Where
// only the way in is at fault, the Intent has its Plan all the same.
func Gather(ctx context.Context, reader, secrets client.Reader, templates ansible.Templates, gateway *v1alpha1.NftGateway) (Intent, error) {
	if err := refuseConflict(ctx, reader, gateway); err != nil {
		return Intent{}, err
	}
	return gather(ctx, reader, secrets, templates, gateway)
}

// gather is Gather, whoever else names the same boxes.
func gather(ctx context.Context, reader, secrets client.Reader, templates ansible.Templates, gateway *v1alpha1.NftGateway) (Intent, error) {
	planned, err := planOf(ctx, reader, gateway)
	if err != nil {
		return Intent{}, err
	}
	intent := Intent{Plan: planned, Vars: ansible.VarsOf(planned), ConfirmTimeout: gateway.Spec.Rollout.ConfirmTimeoutOrDefault()}
	if intent.Access, err = accessOf(ctx, secrets, gateway); err != nil {
		return intent, err
	}
	digest, structure := templates.Digests(intent.Vars)
	for _, host := range gateway.Spec.Hosts {
		target, err := targetOf(planned, gateway, host)
		if err != nil {
			return Intent{}, err
		}
		target.Revision, target.Structure = ansible.Revision(digest, target), ansible.Revision(structure, target)
		intent.Targets = append(intent.Targets, target)
	}
	return intent, nil
}

func targetOf(planned plan.Gateway, gateway *v1alpha1.NftGateway, host v1alpha1.GatewayHost) (ansible.Target, error) {
	onHost, err := planned.ForHost(&gateway.Spec, host)
	if err != nil {
		return ansible.Target{}, &notAccepted{reasonInvalidSpec, err.Error()}
	}
	return ansible.Target{
		Name:             onHost.Name,
		Address:          string(host.Address),
		Port:             onHost.SSHPort,
		SSHDPort:         onHost.SSHDPort,
		User:             string(gateway.Spec.SSHUser(host)),
		PublicInterfaces: onHost.PublicInterfaces,
	}, nil
}

// Run is the run of a playbook that brings all hosts to the intent.
func (i Intent) Run(playbook string) ansible.Run {
	return ansible.Run{
		Playbook: playbook, Targets: i.Targets, Access: i.Access, Vars: i.Vars,
		ConfirmTimeoutSeconds: int(i.ConfirmTimeout / time.Second),
	}
}

// planOf gathers what the API server knows and plans one gateway. Its error is
// a *notAccepted where the spec makes no sense.
func planOf(ctx context.Context, reader client.Reader, gateway *v1alpha1.NftGateway) (plan.Gateway, error) {
	var services corev1.ServiceList
	if err := reader.List(ctx, &services, client.UnsafeDisableDeepCopy); err != nil {
		return plan.Gateway{}, err
	}
	namespaces, err := namespaceLabels(ctx, reader)
	if err != nil {
		return plan.Gateway{}, err
	}
	planned, err := plan.ForGateway(gateway, services.Items, namespaces)
	if err != nil {
		return plan.Gateway{}, &notAccepted{reasonInvalidSpec, err.Error()}
	}
	return planned, nil
}

func namespaceLabels(ctx context.Context, reader client.Reader) (map[string]labels.Set, error) {
	var list corev1.NamespaceList
	if err := reader.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	namespaces := make(map[string]labels.Set, len(list.Items))
	for _, namespace := range list.Items {
		namespaces[namespace.Name] = namespace.Labels
	}
	return namespaces, nil
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
