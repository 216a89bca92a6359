package control

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

// scriptedRunner stands where ansible-playbook would. It does on each host what
// its script says, and remembers what it was asked for.
type scriptedRunner struct {
	mutex sync.Mutex
	acts  map[string]act
	runs  map[string][]ansible.Run
	boxes *boxes
}

// act is what happens in one run on one host.
type act func(ctx context.Context, target ansible.Target) (ansible.Report, error)

var _ ansible.Runner = (*scriptedRunner)(nil)

func newScriptedRunner() *scriptedRunner {
	return &scriptedRunner{acts: map[string]act{}, runs: map[string][]ansible.Run{}, boxes: newBoxes()}
}

// Run is Runner's.
func (r *scriptedRunner) Run(ctx context.Context, run ansible.Run) (map[string]ansible.Report, error) {
	var mutex sync.Mutex
	var failures error
	reports := map[string]ansible.Report{}
	var hosts sync.WaitGroup
	for _, target := range run.Targets {
		hosts.Go(func() {
			report, err := r.runOn(ctx, target, run)
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				failures = err
				return
			}
			reports[target.Name] = report
			run.Told(target.Name, report)
		})
	}
	hosts.Wait()
	return reports, failures
}

func (r *scriptedRunner) runOn(ctx context.Context, target ansible.Target, run ansible.Run) (ansible.Report, error) {
	run.Targets = []ansible.Target{target} // as this host sees it
	next := r.begin(target.Name, run)
	if refusal := r.boxes.refuses(target.Name, run.Fence); refusal != nil {
		return *refusal, nil
	}
	return next(ctx, target)
}

func (r *scriptedRunner) begin(host string, run ansible.Run) act {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.runs[host] = append(r.runs[host], run)
	if scripted := r.acts[host]; scripted != nil {
		return scripted
	}
	return r.succeed
}

// on sets what happens on a host from now on; nil for success.
func (r *scriptedRunner) on(host string, next act) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.acts[host] = next
}

// count is the number of runs on a host that were begun.
func (r *scriptedRunner) count(host string) int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return len(r.runs[host])
}

// total is the number of runs on all hosts.
func (r *scriptedRunner) total() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	total := 0
	for _, runs := range r.runs {
		total += len(runs)
	}
	return total
}

// all are the runs on a host that were begun.
func (r *scriptedRunner) all(host string) []ansible.Run {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return slices.Clone(r.runs[host])
}

// last is the last run on a host.
func (r *scriptedRunner) last(host string) ansible.Run {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	runs := r.runs[host]
	if len(runs) == 0 {
		return ansible.Run{}
	}
	return runs[len(runs)-1]
}

// succeed brings the host to the revision, as the role does.
func (r *scriptedRunner) succeed(_ context.Context, target ansible.Target) (ansible.Report, error) {
	return r.boxes.apply(target), nil
}

// succeedAfter is a run that takes its time.
func (r *scriptedRunner) succeedAfter(duration time.Duration) act {
	return func(ctx context.Context, target ansible.Target) (ansible.Report, error) {
		select {
		case <-time.After(duration):
			return r.succeed(ctx, target)
		case <-ctx.Done():
			return ansible.Report{}, ctx.Err()
		}
	}
}

// succeedBehind is a run that waits for the gate.
func (r *scriptedRunner) succeedBehind(gate chan struct{}) act {
	return func(ctx context.Context, target ansible.Target) (ansible.Report, error) {
		select {
		case <-gate:
			return r.succeed(ctx, target)
		case <-ctx.Done():
			return ansible.Report{}, ctx.Err()
		}
	}
}

// fail reports a reason.
func fail(reason ansible.Reason) act {
	return func(context.Context, ansible.Target) (ansible.Report, error) {
		return ansible.Report{Reason: reason, Message: "scripted by a test"}, nil
	}
}

// hang is a run that ends only with the operator.
func hang(ctx context.Context, _ ansible.Target) (ansible.Report, error) {
	<-ctx.Done()
	return ansible.Report{}, ctx.Err()
}

// timeOut is a run that was killed.
func timeOut(context.Context, ansible.Target) (ansible.Report, error) {
	return ansible.Report{}, fmt.Errorf("%w (limit 90s)", ansible.ErrTimeout)
}

// scriptedProbe answers for hosts of which it is not known that they live.
type scriptedProbe struct {
	mutex  sync.Mutex
	reason ansible.Reason
}

func (p *scriptedProbe) ask(_ context.Context, _ ansible.Access, _ ansible.Target) (ansible.Reason, string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.reason, "scripted by a test"
}

// answer sets the reason of all answers; empty where something answers.
func (p *scriptedProbe) answer(reason ansible.Reason) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.reason = reason
}
