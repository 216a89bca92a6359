package control

import (
	"context"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/controllers"
	"github.com/nft-operator/nft-operator/internal/watches"
	"github.com/nft-operator/nft-operator/test/lab"
)

// settle is how long it is quiet before the operator of a test runs.
const settle = 25 * time.Millisecond

// leaseDuration is how long after a leader's last sign of life another may
// lead: shorter than in production, and long for a busy machine.
const leaseDuration = 3 * time.Second

// operator is a manager with the three controllers, in this process.
type operator struct {
	t      *testing.T
	runner *scriptedRunner
	probe  *scriptedProbe
	wire   *wire
	cancel context.CancelFunc
	ended  chan error
}

// choice changes how an operator is started.
type choice func(*operator, *ctrl.Options, *controllers.Options)

func withPeriod(period time.Duration) choice {
	return func(_ *operator, _ *ctrl.Options, options *controllers.Options) {
		options.Watch.ReconcilePeriod = period
	}
}

// withLoss loses one write to a path that contains part.
func withLoss(part string) choice {
	return func(o *operator, _ *ctrl.Options, _ *controllers.Options) { o.wire.lose(part) }
}

// withBoxes gives an operator the hosts of another one.
func withBoxes(boxes *boxes) choice {
	return func(o *operator, _ *ctrl.Options, _ *controllers.Options) { o.runner.boxes = boxes }
}

// withEncounter has something happen just before a write to a path that
// contains part, once.
func withEncounter(part string, happens func()) choice {
	return func(o *operator, _ *ctrl.Options, _ *controllers.Options) { o.wire.meet(part, happens) }
}

// withSlowWatch has the operator see changes of a resource late.
func withSlowWatch(resource string, delay time.Duration) choice {
	return func(o *operator, _ *ctrl.Options, _ *controllers.Options) {
		o.wire.delayed, o.wire.delay = resource, delay
	}
}

func withLeaderElection() choice {
	return func(_ *operator, options *ctrl.Options, _ *controllers.Options) {
		options.LeaderElection = true
		options.LeaderElectionID = "nft-operator.io"
		options.LeaderElectionNamespace = lab.OperatorNamespace
		lease, renew, retry := leaseDuration, leaseDuration*2/3, leaseDuration/10
		options.LeaseDuration, options.RenewDeadline, options.RetryPeriod = &lease, &renew, &retry
	}
}

// startOperator starts an operator with the rights that are shipped. When the
// test ends it is stopped, and must not have asked for more than its rights.
func startOperator(t *testing.T, choices ...choice) *operator {
	t.Helper()
	o := &operator{t: t, runner: newScriptedRunner(), probe: &scriptedProbe{}, wire: &wire{}, ended: make(chan error, 1)}
	account := rest.CopyConfig(the.account)
	account.Wrap(o.wire.wrap)
	managerOptions := ctrl.Options{
		Scheme:  the.scheme,
		Cache:   controllers.CacheOptions(lab.OperatorNamespace),
		Metrics: metricsserver.Options{BindAddress: "0"},
		// One process has many operators here, one after the other.
		Controller: config.Controller{SkipNameValidation: new(true)},
	}
	options := controllers.Options{
		Namespace: lab.OperatorNamespace,
		Watch:     shippedWatch(t),
		Runner:    o.runner,
		Probe:     o.probe.ask,
		Settle:    settle,

		MaxConcurrentRuns: 4,
	}
	options.Watch.ReconcilePeriod = time.Hour
	for _, choose := range choices {
		choose(o, &managerOptions, &options)
	}
	manager, err := ctrl.NewManager(account, managerOptions)
	if err != nil {
		t.Fatal(err)
	}
	if err := controllers.SetUp(manager, options); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o.cancel = cancel
	go func() { o.ended <- manager.Start(ctx) }()
	t.Cleanup(o.stop)
	return o
}

// awaitEnd waits until the operator ends by itself, and returns why.
func (o *operator) awaitEnd() error {
	o.t.Helper()
	select {
	case err := <-o.ended:
		o.cancel()
		o.cancel = nil
		return err
	case <-time.After(patience):
		o.t.Fatal("the operator goes on")
		return nil
	}
}

// shippedWatch is what the repository's watches.yaml says.
func shippedWatch(t *testing.T) watches.Watch {
	t.Helper()
	all, err := watches.Load("../../watches.yaml")
	if err != nil {
		t.Fatal(err)
	}
	watch, found := watches.For(all, v1alpha1.GroupVersion.WithKind("NftGateway"))
	if !found {
		t.Fatal("watches.yaml has no NftGateway")
	}
	return watch
}

// stop ends the operator as a signal does, and waits for it.
func (o *operator) stop() {
	if o.cancel == nil {
		return
	}
	o.cancel()
	o.cancel = nil
	if err := <-o.ended; err != nil && err.Error() != "leader election lost" {
		o.t.Errorf("the operator ended with: %v", err)
	}
	for _, denied := range o.wire.denied() {
		o.t.Errorf("the rights of config/rbac do not suffice: %s", denied)
	}
}
