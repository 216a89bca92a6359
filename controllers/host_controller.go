package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
)

// Probe returns an empty reason when something answers on the way to a host,
// else why not, and what a person can do.
type Probe func(ctx context.Context, access ansible.Access, target ansible.Target) (ansible.Reason, string)

// HostReconciler brings one host at a time to its intent. A host is a queue
// key: a burst of Service events for it is one run, and while one host fails
// and waits, the others go on.
type HostReconciler struct {
	// Client reads from the cache and writes status.
	Client client.Client
	// Gatherer makes the intents of gateways.
	Gatherer *Gatherer
	// Probe asks whether a host that failed before answers at all.
	Probe Probe
	// Epoch orders the runs of all operators.
	Epoch *Epoch
	// Ledger is told what each host is to enforce and does.
	Ledger *Ledger
	// Recorder writes Events.
	Recorder events.EventRecorder
	// Playbook and Period are what watches.yaml says, and RemovalPlaybook what
	// its finalizer does, empty where it has none.
	Playbook        string
	Period          time.Duration
	RemovalPlaybook string
	// Doubtful bounds the runs at one time on hosts that were not seen to be right
	// since they last failed, or at all. It is less than there are slots for
	// runs, so the others always find one.
	Doubtful chan struct{}
	// Now is the clock.
	Now func() time.Time

	runs     *jointRuns
	arrivals *arrivals
	settling *settling
	memories hostMemories
	rollouts *rollouts
	outdated outdatedVersions
}

// hostIntent is the intent of a gateway as one of its hosts sees it.
type hostIntent struct {
	Intent
	gateway  *v1alpha1.NftGateway
	target   ansible.Target
	entrance entrance
	// all hosts of the gateway.
	all []ansible.Target
	// began is when work on it began, and queued how long an event had waited then.
	began  time.Time
	queued time.Duration
}

func (i hostIntent) gatewayKey() types.NamespacedName { return client.ObjectKeyFromObject(i.gateway) }

// request tells apart what a person asked for at two times.
func (i hostIntent) request() request {
	return request{generation: i.entrance.generation, check: i.entrance.check}
}

// Reconcile brings the host to its intent, or says why not.
func (r *HostReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	if r.Epoch.superseded() { // what is known here is of the past
		return ctrl.Result{}, nil
	}
	if r.settling.defers(req) { // a run now would be one more
		return ctrl.Result{}, nil
	}
	began := r.Now()
	queued := r.arrivals.serve(req.NamespacedName, began)
	var host v1alpha1.NftGatewayHost
	if err := r.Client.Get(ctx, req.NamespacedName, &host); apierrors.IsNotFound(err) {
		r.Ledger.Forget(req.NamespacedName)
		r.memories.forget(req.NamespacedName)
		r.rollouts.forget(req.NamespacedName)
		r.outdated.forget(req.NamespacedName)
		r.settling.forget(req)
		forgetHostMetrics(req.NamespacedName)
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, err
	}
	gateway, name, err := r.gatewayOf(ctx, &host)
	if err != nil {
		return ctrl.Result{}, err
	}
	if gateway == nil { // the gateway controller removes hosts that left the spec
		r.Ledger.Release(req.NamespacedName)
		return ctrl.Result{}, nil
	}
	if !gateway.DeletionTimestamp.IsZero() {
		return r.remove(ctx, &host, gateway, name)
	}
	gathered, err := r.Gatherer.Gather(ctx, gateway)
	intent := intentOf(gathered, gateway, name)
	intent.began, intent.queued = began, queued
	if refused := (*notAccepted)(nil); errors.As(err, &refused) {
		r.refuse(req.NamespacedName, gateway, intent, refused)
		return r.afterReport(0, r.report(ctx, &host, refusedStatus(gateway, refused)))
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	r.intend(gateway, intent.openings)
	if err := r.rollOut(ctx, intent); err != nil {
		return ctrl.Result{}, err
	}
	return r.enforce(ctx, &host, intent)
}

// refuse notes that nothing is done on a host. When that is mended the host is
// tried at once, whatever was known of it.
func (r *HostReconciler) refuse(key types.NamespacedName, gateway *v1alpha1.NftGateway, intent hostIntent, refused *notAccepted) {
	r.memories.forget(key)
	switch {
	case refused.reason == reasonHostConflict: // the box is another gateway's, so no Service waits for this one
		r.intend(gateway, &openings{})
	case intent.Planned != nil:
		r.intend(gateway, intent.openings)
	}
	r.Ledger.Fails(key, refused.reason)
}

// intend notes a plan for all hosts of the gateway: those that are busy come to
// it later.
func (r *HostReconciler) intend(gateway *v1alpha1.NftGateway, planned *openings) {
	key := client.ObjectKeyFromObject(gateway)
	var hosts []types.NamespacedName
	for _, host := range gateway.Spec.Hosts {
		hosts = append(hosts, hostKey(key, host.Name))
	}
	r.Ledger.Intend(key, hosts, planned)
}

// untilCached is about how long the cache takes to see a write.
const untilCached = 50 * time.Millisecond

// afterReport tries again soon where the report was made of an outdated object.
func (r *HostReconciler) afterReport(pause time.Duration, err error) (ctrl.Result, error) {
	switch {
	case apierrors.IsConflict(err), errors.Is(err, errOutdated):
		return ctrl.Result{RequeueAfter: untilCached}, nil
	case err != nil:
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: pause}, nil
}

// gatewayOf finds the gateway that names the host; nil where none does.
func (r *HostReconciler) gatewayOf(ctx context.Context, host *v1alpha1.NftGatewayHost) (*v1alpha1.NftGateway, string, error) {
	key, name, ok := gatewayAndHost(client.ObjectKeyFromObject(host))
	if !ok {
		return nil, "", nil
	}
	var gateway v1alpha1.NftGateway
	if err := r.Client.Get(ctx, key, &gateway); err != nil {
		return nil, "", client.IgnoreNotFound(err)
	}
	named := slices.ContainsFunc(gateway.Spec.Hosts, func(h v1alpha1.GatewayHost) bool { return h.Name == name })
	if !named {
		return nil, "", nil
	}
	return &gateway, name, nil
}

// intentOf is what a gateway intends, for one of its hosts. What could not be
// gathered is missing from it.
func intentOf(gathered Intent, gateway *v1alpha1.NftGateway, name string) hostIntent {
	intent := hostIntent{Intent: gathered, gateway: gateway, all: gathered.Targets}
	intent.Targets = nil // who is in a run, jointRuns decide
	if at := slices.IndexFunc(intent.all, func(t ansible.Target) bool { return t.Name == name }); at >= 0 {
		intent.target = intent.all[at]
	}
	intent.entrance = entrance{
		generation: gateway.Generation, check: gateway.Annotations[v1alpha1.AnnotationCheck],
		access: gathered.Access, target: intent.target,
	}
	return intent
}

// enforce runs the playbook unless the host was seen to be right lately, failed
// so lately that it must wait, or has nothing that could be changed before its turn.
func (r *HostReconciler) enforce(ctx context.Context, host *v1alpha1.NftGatewayHost, intent hostIntent) (ctrl.Result, error) {
	key := client.ObjectKeyFromObject(host)
	memory := r.memories.of(key)
	turn, applied := r.rollouts.turnOf(intent.gatewayKey(), intent.target.Name)
	if turn.holds() && applied == "" { // it is woken when its turn comes
		return r.afterReport(0, r.wait(ctx, host, intent, turn))
	}
	intent.target.Hold, intent.target.Retry = turn.holds(), turn.retry
	if pause := max(memory.fresh(r.Now(), intent.target, intent.entrance), memory.wait(r.Now(), intent.entrance)); pause > 0 {
		return r.afterReport(pause, r.tell(ctx, host, intent, memory, turn))
	}

	planned := r.Now()
	report, err := r.inTurn(ctx, memory, intent, turn)
	if err != nil {
		return afterNoAttempt(err)
	}
	observeRun(key, report)
	observeStages(intent.queued, planned.Sub(intent.began), r.Now().Sub(planned), report.Timings)
	r.recount(ctx, host, report)
	pause := memory.note(r.Now(), intent, report, jittered(r.Period))
	turn, _ = r.rollouts.turnOf(intent.gatewayKey(), intent.target.Name)
	return r.afterReport(pause, r.tell(ctx, host, intent, memory, turn))
}

// recount writes what a run did to the log, and an Event of what a person would
// want to know that no condition tells.
func (r *HostReconciler) recount(ctx context.Context, host *v1alpha1.NftGatewayHost, report ansible.Report) {
	outcome := report.Outcome
	switch {
	case report.Reason != "":
		log.FromContext(ctx).Info("host does not enforce its intent", "reason", report.Reason, "message", report.Message)
	case outcome.Changed:
		log.FromContext(ctx).Info("host changed", "action", outcome.Action,
			"elementsAdded", outcome.Elements.Added, "elementsDeleted", outcome.Elements.Deleted, "revision", outcome.Revision)
	}
	if report.Reason == "" && len(outcome.Drift) > 0 {
		r.Recorder.Eventf(host, nil, corev1.EventTypeWarning, "Drift", "Check", "%s", driftMessage(outcome.Drift))
	}
	if outcome.Backup != "" {
		r.Recorder.Eventf(host, nil, corev1.EventTypeNormal, "BackedUp", "Apply",
			"/etc/nftables.conf was somebody else's: it is kept as %s, and not loaded at boot any more", outcome.Backup)
	}
}

// driftMessage says what somebody else had changed, a handful of it at the most.
func driftMessage(drift []string) string {
	const most = 8
	listed := strings.Join(drift[:min(most, len(drift))], "; ")
	if more := len(drift) - most; more > 0 {
		listed += fmt.Sprintf("; and %d more", more)
	}
	return bounded("somebody else had changed the operator's part of this host, which is repaired: " + listed)
}

// tell brings ledger and status in line with the intent and the last attempt.
// It is repeated while no attempt is due, because a refused Service changes the
// intent without needing a run, and a write to the API server may get lost.
func (r *HostReconciler) tell(ctx context.Context, host *v1alpha1.NftGatewayHost, intent hostIntent, memory *hostMemory, turn turn) error {
	key := client.ObjectKeyFromObject(host)
	if memory.report.Reason != "" {
		r.Ledger.Fails(key, string(memory.report.Reason))
		return r.report(ctx, host, failedStatus(intent, memory.report))
	}
	r.Ledger.Enforces(key, intent.openings) // openings, whatever structure is held
	return r.report(ctx, host, enforcedStatus(intent, memory.report.Outcome, memory.checked, turn))
}
