package controllers

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/internal/plan"
	"github.com/nft-operator/nft-operator/internal/watches"
)

// Options are the choices of whoever starts the operator.
type Options struct {
	// Namespace holds the NftGateways and their Secrets.
	Namespace string
	// Watch is the entry of watches.yaml for NftGateway.
	Watch watches.Watch
	// Runner runs playbooks.
	Runner ansible.Runner
	// Probe asks whether a host that failed before answers at all;
	// ansible.Probe where it is nil.
	Probe Probe
	// Templates are the hashes of what the playbook makes rules with.
	Templates ansible.Templates
	// MaxConcurrentRuns bounds the playbook runs at one time.
	MaxConcurrentRuns int
	// Settle is how long no other event must have come before a run; while they
	// keep coming, it waits for longer: see settling.
	Settle time.Duration
	// RemovalPatience is how long the deletion of an NftGateway waits for its
	// hosts; two minutes where it is zero.
	RemovalPatience time.Duration
}

// workersPerRun is how many hosts may be gathered, planned and probed for each
// playbook run at one time. They wait on the network, so they cost little.
const workersPerRun = 2 * mostTogether

// CacheOptions keep out of the cache what the operator has no business with:
// Secrets of other namespaces. Of those in its own it has the metadata only,
// and of every type, so that a wrong type is noticed.
func CacheOptions(namespace string) cache.Options {
	return cache.Options{
		ByObject: map[client.Object]cache.ByObject{
			secretMetadata(): {
				Namespaces: map[string]cache.Config{namespace: {}},
			},
			&v1alpha1.NftGatewayHost{}: {Namespaces: map[string]cache.Config{namespace: {}}},
		},
		DefaultTransform: cache.TransformStripManagedFields(),
	}
}

func secretMetadata() *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	return object
}

// SetUp adds the three controllers to a manager.
func SetUp(manager ctrl.Manager, options Options) error {
	if options.Probe == nil {
		options.Probe = ansible.Probe
	}
	if options.RemovalPatience == 0 {
		options.RemovalPatience = removalPatience
	}
	ledger := NewLedger()
	gatherer := NewGatherer(manager.GetClient(), manager.GetAPIReader(), options.Templates)
	triggers := triggers{reader: manager.GetClient(), namespace: options.Namespace, planner: gatherer.Planner}
	if err := setUpGateways(manager, options, triggers, gatherer); err != nil {
		return err
	}
	epoch, err := newEpoch(manager, options.Namespace)
	if err != nil {
		return err
	}
	if err := manager.Add(epoch); err != nil {
		return err
	}
	if err := setUpHosts(manager, options, triggers, gatherer, ledger, epoch); err != nil {
		return err
	}
	return setUpServices(manager, options, ledger)
}

func setUpGateways(manager ctrl.Manager, options Options, triggers triggers, gatherer *Gatherer) error {
	return ctrl.NewControllerManagedBy(manager).
		Named("gateway").
		// Its own status too: one that was made of an outdated cache is mended when it arrives there.
		For(&v1alpha1.NftGateway{}).
		Owns(&v1alpha1.NftGatewayHost{}).
		Watches(&v1alpha1.NftGateway{}, handler.EnqueueRequestsFromMapFunc(triggers.otherGateways), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesMetadata(secretMetadata(), handler.EnqueueRequestsFromMapFunc(triggers.gatewaysOfSecret)).
		Complete(&GatewayReconciler{
			Client:    manager.GetClient(),
			Gatherer:  gatherer,
			Recorder:  manager.GetEventRecorder("nft-operator"),
			Namespace: options.Namespace,
			Finalizer: options.Watch.Finalizer,
			Patience:  options.RemovalPatience,
			Now:       time.Now,
		})
}

func setUpHosts(manager ctrl.Manager, options Options, triggers triggers, gatherer *Gatherer, ledger *Ledger, epoch *Epoch) error {
	rollouts, arrivals := &rollouts{}, &arrivals{}
	runs := newJointRuns(options.Runner, options.MaxConcurrentRuns, epoch.fence)
	if err := manager.Add(runs); err != nil {
		return err
	}
	settling := &settling{quiet: options.Settle}
	gathered := func(mapping handler.MapFunc) handler.EventHandler {
		return settling.handler(arrivals.noting(mapping))
	}
	return ctrl.NewControllerManagedBy(manager).
		Named("host").
		For(&v1alpha1.NftGatewayHost{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.NftGateway{}, gathered(triggers.everyHost), builder.WithPredicates(
			predicate.Or[client.Object](predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))).
		Watches(&corev1.Service{}, gathered(triggers.everyHostAnew), builder.WithPredicates(matteringServices())).
		Watches(&corev1.Namespace{}, gathered(triggers.everyHostAnew), builder.WithPredicates(predicate.LabelChangedPredicate{})).
		WatchesMetadata(secretMetadata(), gathered(triggers.hostsOfSecret)).
		WatchesRawSource(source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
			rollouts.OnTurn(func(host types.NamespacedName) { queue.Add(ctrl.Request{NamespacedName: host}) })
			return nil
		})).
		WithOptions(controller.Options{MaxConcurrentReconciles: workersPerRun * options.MaxConcurrentRuns}).
		Complete(&HostReconciler{
			Client:          manager.GetClient(),
			Gatherer:        gatherer,
			runs:            runs,
			Probe:           options.Probe,
			Epoch:           epoch,
			Ledger:          ledger,
			Recorder:        manager.GetEventRecorder("nft-operator"),
			Playbook:        options.Watch.Playbook,
			Period:          options.Watch.ReconcilePeriod,
			RemovalPlaybook: removalPlaybook(options.Watch),
			Doubtful:        make(chan struct{}, max(1, options.MaxConcurrentRuns/2)),
			Now:             time.Now,
			arrivals:        arrivals,
			settling:        settling,
			rollouts:        rollouts,
		})
}

func removalPlaybook(watch watches.Watch) string {
	if watch.Finalizer == nil {
		return ""
	}
	return watch.Finalizer.Playbook
}

// untilTold is how long a Service's condition waits for what other hosts come to:
// they end at about the same time, and each would be a write.
const untilTold = 100 * time.Millisecond

func setUpServices(manager ctrl.Manager, options Options, ledger *Ledger) error {
	return ctrl.NewControllerManagedBy(manager).
		Named("service").
		For(&corev1.Service{}, builder.WithPredicates(carriesCondition())).
		WatchesRawSource(source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
			ledger.OnChange(func(service plan.ServiceKey) {
				queue.AddAfter(ctrl.Request{NamespacedName: types.NamespacedName{Namespace: service.Namespace, Name: service.Name}}, untilTold)
			})
			return nil
		})).
		WithOptions(controller.Options{MaxConcurrentReconciles: 8}).
		Complete(&ServiceReconciler{
			Client:    manager.GetClient(),
			Ledger:    ledger,
			Recorder:  manager.GetEventRecorder("nft-operator"),
			Namespace: options.Namespace,
		})
}
