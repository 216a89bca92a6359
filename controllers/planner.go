package controllers

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/internal/plan"
)

// Planned is the plan of a gateway, with all that follows from it alone. Its
// hosts share it, so nobody changes it.
type Planned struct {
	Plan plan.Gateway
	Vars ansible.Vars

	openings          *openings
	digest, structure ansible.Digest
}

// Planner plans each gateway once for all who ask, and anew only after something
// changed that a plan looks at: with many hosts and Services, planning for each
// host would be most of what the operator does.
type Planner struct {
	reader    client.Reader
	templates ansible.Templates
	// changes of Services and namespaces that it was told of.
	changes atomic.Int64

	mutex sync.Mutex
	kept  map[types.NamespacedName]*keptPlan
}

// keptPlan is the last plan of one gateway, and what it is of.
type keptPlan struct {
	mutex      sync.Mutex // held while planning: who comes meanwhile waits for the same
	uid        types.UID
	generation int64
	changes    int64
	planned    *Planned // nil before the first
	at         time.Time
}

// plannedFor is how long a plan is used at the most: should an event be missed
// that says that it is not true any more, that does not last.
const plannedFor = 5 * time.Minute

func newPlanner(reader client.Reader, templates ansible.Templates) *Planner {
	return &Planner{reader: reader, templates: templates, kept: map[types.NamespacedName]*keptPlan{}}
}

// Changed tells that a Service or a namespace changed, and that what reads them
// knows already.
func (p *Planner) Changed() { p.changes.Add(1) }

// Forget drops the plan of a gateway that is gone.
func (p *Planner) Forget(gateway types.NamespacedName) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.kept, gateway)
}

// planOf plans a gateway. Its error is a *notAccepted where the spec makes no
// sense, else that of the API server.
func (p *Planner) planOf(ctx context.Context, gateway *v1alpha1.NftGateway) (*Planned, error) {
	kept := p.keptOf(client.ObjectKeyFromObject(gateway))
	kept.mutex.Lock()
	defer kept.mutex.Unlock()
	changes := p.changes.Load() // before anything is read: what changes from here on is planned anew
	if kept.planned != nil && kept.uid == gateway.UID && kept.generation == gateway.Generation && kept.changes == changes && time.Since(kept.at) < plannedFor {
		return kept.planned, nil
	}
	planned, err := p.plan(ctx, gateway, kept.planned)
	if err != nil {
		return nil, err
	}
	kept.uid, kept.generation, kept.changes, kept.planned, kept.at = gateway.UID, gateway.Generation, changes, planned, time.Now()
	return planned, nil
}

func (p *Planner) keptOf(gateway types.NamespacedName) *keptPlan {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	kept := p.kept[gateway]
	if kept == nil {
		kept = &keptPlan{}
		p.kept[gateway] = kept
	}
	return kept
}

// plan gathers what the API server knows and plans the gateway.
func (p *Planner) plan(ctx context.Context, gateway *v1alpha1.NftGateway, earlier *Planned) (*Planned, error) {
	var services corev1.ServiceList
	if err := p.reader.List(ctx, &services, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	namespaces, err := namespaceLabels(ctx, p.reader)
	if err != nil {
		return nil, err
	}
	of, err := plan.ForGateway(gateway, services.Items, namespaces)
	if err != nil {
		return nil, &notAccepted{reasonInvalidSpec, err.Error()}
	}
	planned := &Planned{Plan: of, Vars: ansible.VarsOf(of)}
	planned.digest, planned.structure = p.templates.Digests(planned.Vars)
	var before *openings
	if earlier != nil {
		before = earlier.openings
	}
	planned.openings = openingsOf(of, before)
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
