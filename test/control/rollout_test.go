package control

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/controllers"
	"github.com/nft-operator/nft-operator/internal/ansible"
)

// works are changes of structure under way. Each waits until it is let go.
type works struct {
	runner *scriptedRunner
	mutex  sync.Mutex
	// at has a gate for each host that is being changed.
	at   map[string]chan struct{}
	most int
}

func newWorks(runner *scriptedRunner, hosts ...string) *works {
	w := &works{runner: runner, at: map[string]chan struct{}{}}
	for _, host := range hosts {
		runner.on(host, w.act)
	}
	return w
}

func (w *works) act(ctx context.Context, target ansible.Target) (ansible.Report, error) {
	structural := false
	w.runner.boxes.on(target.Name, func(host *box) { structural = !target.Hold && host.structure != target.Structure })
	if structural {
		select {
		case <-w.begin(target.Name):
		case <-ctx.Done():
			return ansible.Report{}, ctx.Err()
		}
	}
	return w.runner.succeed(ctx, target)
}

func (w *works) begin(host string) chan struct{} {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	gate := make(chan struct{})
	w.at[host] = gate
	w.most = max(w.most, len(w.at))
	return gate
}

// end lets the work on a host go.
func (w *works) end(host string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	close(w.at[host])
	delete(w.at, host)
}

func (w *works) under() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return len(w.at)
}

// await waits until a host is being changed.
func (w *works) await(t *testing.T, host string) {
	t.Helper()
	await(t, "the change of "+host, func() error {
		w.mutex.Lock()
		defer w.mutex.Unlock()
		if w.at[host] == nil {
			return fmt.Errorf("changed are %v", w.at)
		}
		return nil
	})
}

// changeFirewall makes a change of structure.
func changeFirewall(t *testing.T, echoes int32) {
	t.Helper()
	editEdge(t, func(gateway *v1alpha1.NftGateway) { gateway.Spec.Firewall.ICMP.EchoPerSecond = echoes })
}

func startRollout(t *testing.T, most int, hosts ...string) (*shop, *operator) {
	t.Helper()
	s := openEdge(t, hosts...)
	editEdge(t, func(gateway *v1alpha1.NftGateway) {
		gateway.Spec.Rollout.MaxUnavailable = new(intstr.FromInt(most))
		gateway.Spec.Rollout.ConfirmTimeout = &metav1.Duration{Duration: confirmTimeout}
	})
	operator := startOperator(t)
	s.service("old", []string{"203.0.113.9"})
	s.awaitOpen("old", fmt.Sprintf("%d of %d gateway hosts", len(hosts), len(hosts)))
	awaitProgrammed(t, edge)
	return s, operator
}

// TestAChangeGoesToOneHostFirst, then to so many at a time, and Services go
// everywhere meanwhile.
func TestAChangeGoesToOneHostFirst(t *testing.T) {
	hosts := []string{"gw1", "gw2", "gw3", "gw4", "gw5", "gw6"}
	s, operator := startRollout(t, 2, hosts...)
	works := newWorks(operator.runner, hosts...)
	changeFirewall(t, 20)
	works.await(t, "gw1")
	for _, host := range hosts[1:] {
		waiting := awaitHost(t, edge, host, v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolloutWaiting")
		if message := whyNot(waiting); !strings.Contains(message, "on gw1 first") {
			t.Errorf("%s is told %q", host, message)
		}
	}
	s.service("web", []string{"203.0.113.10"})
	await(t, "the hosts that wait to open it", func() error {
		condition, err := s.conditionOf("web")
		if err != nil || condition == nil || !strings.HasPrefix(condition.Message, "open as asked on 5 of 6 gateway hosts") {
			return errors.Join(err, fmt.Errorf("condition is %+v", condition))
		}
		return nil
	})
	if run := operator.runner.last("gw6"); !run.Targets[0].Hold || works.most > 1 {
		t.Errorf("%d hosts are changed at one time, gw6 is asked for %+v", works.most, run.Targets[0])
	}

	works.end("gw1")
	s.awaitOpen("web", "6 of 6 gateway hosts") // before the others were changed
	for _, pair := range [][]string{{"gw2", "gw3"}, {"gw4", "gw5"}} {
		works.await(t, pair[0])
		works.await(t, pair[1])
		if works.under() != 2 {
			t.Errorf("%d hosts are changed at one time", works.under())
		}
		works.end(pair[0])
		works.end(pair[1])
	}
	works.await(t, "gw6")
	works.end("gw6")
	awaitProgrammed(t, edge)
	if works.most != 2 {
		t.Errorf("%d hosts were changed at one time, maxUnavailable is 2", works.most)
	}
	host, err := hostOf(t, edge, "gw6")
	if err != nil || host.Status.AppliedStructure != operator.runner.last("gw6").Targets[0].Structure || host.Status.AppliedRevision != host.Status.IntendedRevision {
		t.Errorf("status is %+v, %v", host.Status, err)
	}
}

// TestServicesGoToAllHostsAtOnce, whatever maxUnavailable says: as many as
// there may be runs.
func TestServicesGoToAllHostsAtOnce(t *testing.T) {
	hosts := []string{"gw1", "gw2", "gw3", "gw4"}
	s, operator := startRollout(t, 1, hosts...)
	gate := make(chan struct{})
	before := operator.runner.total()
	for _, host := range hosts {
		operator.runner.on(host, operator.runner.succeedBehind(gate))
	}
	s.service("web", []string{"203.0.113.10"})
	await(t, "a run on each host", func() error {
		if runs := operator.runner.total() - before; runs < len(hosts) {
			return fmt.Errorf("%d runs", runs)
		}
		return nil
	})
	close(gate)
	s.awaitOpen("web", "4 of 4 gateway hosts")
}

// TestADeadHostIsNoCanary: it gives its turn to the next, and takes the change
// when it is back.
func TestADeadHostIsNoCanary(t *testing.T) {
	_, operator := startRollout(t, 1, "gw1", "gw2", "gw3")
	operator.runner.on("gw1", fail(ansible.ReasonConnectionTimeout))
	works := newWorks(operator.runner, "gw2", "gw3")
	changeFirewall(t, 20)
	works.await(t, "gw2")
	awaitHost(t, edge, "gw1", v1alpha1.ConditionReachable, metav1.ConditionFalse, "ConnectionTimeout")
	await(t, "gw3 to wait for gw2", func() error {
		host, err := hostOf(t, edge, "gw3")
		if err != nil || !strings.Contains(whyNot(host), "on gw2 first") {
			return errors.Join(err, fmt.Errorf("status is %+v", host.Status))
		}
		return nil
	})
	works.end("gw2")
	works.await(t, "gw3")
	works.end("gw3")
	awaitHost(t, edge, "gw3", v1alpha1.ConditionProgrammed, metav1.ConditionTrue, "Programmed")
	operator.runner.on("gw1", nil)
	awaitProgrammed(t, edge)
}

// TestARolloutGoesOnAfterARestart: what each host has is known from its status.
func TestARolloutGoesOnAfterARestart(t *testing.T) {
	s, first := startRollout(t, 1, "gw1", "gw2", "gw3")
	works := newWorks(first.runner, "gw1", "gw2", "gw3")
	changeFirewall(t, 20)
	works.await(t, "gw1")
	works.end("gw1")
	awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionTrue, "Programmed")
	works.await(t, "gw2")
	awaitHost(t, edge, "gw3", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolloutWaiting")
	first.stop()

	second := startOperator(t, withBoxes(first.runner.boxes), func(o *operator, _ *ctrl.Options, _ *controllers.Options) {
		works = newWorks(o.runner, "gw1", "gw2", "gw3")
	})
	works.await(t, "gw2")
	s.service("web", []string{"203.0.113.10"})
	await(t, "gw3 to hold its structure, and open the Service", func() error {
		run := second.runner.last("gw3")
		if len(second.runner.all("gw3")) == 0 || !run.Targets[0].Hold || len(run.Vars.Exposures.IPv4) != 2 {
			return fmt.Errorf("its last run is of %+v", run.Targets)
		}
		return nil
	})
	for _, run := range second.runner.all("gw1") {
		if run.Targets[0].Hold {
			t.Error("gw1 has the structure, but holds another")
		}
	}
	works.end("gw2")
	works.await(t, "gw3")
	works.end("gw3")
	awaitProgrammed(t, edge)
}

// TestAnUpgradeIsRolledOut: another template makes other rules of the same spec.
func TestAnUpgradeIsRolledOut(t *testing.T) {
	_, first := startRollout(t, 1, "gw1", "gw2")
	first.stop()
	var works *works
	startOperator(t, withBoxes(first.runner.boxes), func(o *operator, _ *ctrl.Options, options *controllers.Options) {
		options.Templates.Firewall = ansible.Digest{1}
		works = newWorks(o.runner, "gw1", "gw2")
	})
	works.await(t, "gw1")
	awaitHost(t, edge, "gw2", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolloutWaiting")
	works.end("gw1")
	works.await(t, "gw2")
	works.end("gw2")
	awaitProgrammed(t, edge)
	if works.most != 1 {
		t.Errorf("%d hosts were changed at one time", works.most)
	}
}
