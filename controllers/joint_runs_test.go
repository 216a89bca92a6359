package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

// steeredRunner ends a run on each host when the test says how.
type steeredRunner struct {
	begun chan ansible.Run
	// ends is what each host's part comes to; a host without one hangs.
	ends map[string]ansible.Report
	// fails is what the run comes to besides.
	fails error
	// lingers is how long it takes to end where it is told to.
	lingers time.Duration
	running atomic.Int32
}

func newSteeredRunner() *steeredRunner {
	return &steeredRunner{begun: make(chan ansible.Run, 100), ends: map[string]ansible.Report{}}
}

func (r *steeredRunner) Run(ctx context.Context, run ansible.Run) (map[string]ansible.Report, error) {
	r.running.Add(1)
	defer r.running.Add(-1)
	r.begun <- run
	hangs := false
	for _, target := range run.Targets {
		report, ends := r.ends[target.Name]
		if ends {
			run.Told(target.Name, report)
		}
		hangs = hangs || !ends
	}
	if hangs && r.fails == nil {
		<-ctx.Done()
		time.Sleep(r.lingers)
		return nil, ctx.Err()
	}
	return nil, r.fails
}

// well makes hosts gw0, gw1, … that are well, of one gateway.
func (r *steeredRunner) well(count int) []hostIntent {
	intents := make([]hostIntent, count)
	gateway := Intent{Planned: &Planned{}}
	for i := range intents {
		name := fmt.Sprintf("gw%d", i)
		gateway.Targets = append(gateway.Targets, ansible.Target{Name: name})
		r.ends[name] = ansible.Report{Outcome: ansible.Outcome{Revision: name}}
	}
	for i := range intents {
		intents[i] = hostIntent{Intent: gateway, target: gateway.Targets[i], all: gateway.Targets}
		intents[i].Targets = nil
	}
	return intents
}

func jointRunsOf(runner ansible.Runner, slots int) *jointRuns {
	return newJointRuns(runner, slots, func(context.Context) (*ansible.Fence, error) { return &ansible.Fence{Epoch: 1}, nil })
}

// attemptAll runs on all hosts at one time, and returns what they were told.
func attemptAll(ctx context.Context, runs *jointRuns, intents []hostIntent) map[string]answer {
	var mutex sync.Mutex
	var hosts sync.WaitGroup
	told := map[string]answer{}
	for _, intent := range intents {
		hosts.Go(func() {
			report, err := runs.together(ctx, intent, "apply.yml")
			mutex.Lock()
			defer mutex.Unlock()
			told[intent.target.Name] = answer{report, err}
		})
	}
	hosts.Wait()
	return told
}

// sizes of the runs that were begun.
func (r *steeredRunner) sizes() []int {
	var sizes []int
	for len(r.begun) > 0 {
		sizes = append(sizes, len((<-r.begun).Targets))
	}
	slices.Sort(sizes)
	return sizes
}

func TestHostsThatAreDueAtOneTimeShareARun(t *testing.T) {
	for hosts, want := range map[int][]int{1: {1}, 3: {3}, 10: {10}, 25: {5, 10, 10}} {
		t.Run(fmt.Sprint(hosts), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				runner := newSteeredRunner()
				told := attemptAll(t.Context(), jointRunsOf(runner, 4), runner.well(hosts))
				for name, came := range told {
					if came.err != nil || came.report.Outcome.Revision != name {
						t.Errorf("%s was told %+v", name, came)
					}
				}
				if got := runner.sizes(); len(told) != hosts || !slices.Equal(got, want) {
					t.Errorf("%d hosts were told, by runs of %v, want %v", len(told), got, want)
				}
			})
		})
	}
}

func TestWhoDiffersHasARunOfHisOwn(t *testing.T) {
	for name, change := range map[string]func(*hostIntent) string{
		"another plan":     func(i *hostIntent) string { i.Planned = &Planned{}; return "apply.yml" },
		"another way in":   func(i *hostIntent) string { i.Access.Become = true; return "apply.yml" },
		"another playbook": func(*hostIntent) string { return "remove.yml" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				runner := newSteeredRunner()
				runs, intents := jointRunsOf(runner, 4), runner.well(2)
				other := intents[1]
				playbook := change(&other)
				var hosts sync.WaitGroup
				hosts.Go(func() { _, _ = runs.together(t.Context(), intents[0], "apply.yml") })
				hosts.Go(func() { _, _ = runs.together(t.Context(), other, playbook) })
				hosts.Wait()
				if got := runner.sizes(); !slices.Equal(got, []int{1, 1}) {
					t.Errorf("runs of %v hosts", got)
				}
			})
		})
	}
}

func TestAHostThatHangsInARunDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runner := newSteeredRunner()
		runs, intents := jointRunsOf(runner, 1), runner.well(3)
		delete(runner.ends, "gw1")
		ctx, cancel := context.WithCancel(t.Context())
		hanging := make(chan error, 1)
		go func() {
			_, err := runs.together(ctx, intents[1], "apply.yml")
			hanging <- err
		}()
		told := attemptAll(ctx, runs, []hostIntent{intents[0], intents[2]})
		if told["gw0"].report.Outcome.Revision != "gw0" || told["gw2"].report.Outcome.Revision != "gw2" || len(runner.begun) != 1 {
			t.Errorf("told %+v by %d runs", told, len(runner.begun))
		}
		cancel()
		if err := <-hanging; !errors.Is(err, context.Canceled) {
			t.Errorf("who hung is told %v", err)
		}
	})
}

func TestARunThatFailsIsToldToItsHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runner := newSteeredRunner()
		runs, intents := jointRunsOf(runner, 1), runner.well(2)
		delete(runner.ends, "gw1")
		for reason, fails := range map[ansible.Reason]error{
			ansible.ReasonRunTimeout:   fmt.Errorf("%w (limit 90s)", ansible.ErrTimeout),
			ansible.ReasonRunnerFailed: ansible.ErrRunnerFailed,
		} {
			runner.fails = fails
			told := attemptAll(t.Context(), runs, intents)
			if well := told["gw0"]; well.err != nil || well.report.Reason != "" {
				t.Errorf("what gw0 reported is true, but it is told %+v", well)
			}
			if bad := told["gw1"]; bad.err != nil || bad.report.Reason != reason {
				t.Errorf("gw1 is told %+v, want %s", bad, reason)
			}
		}
	})
}

func TestNoMoreRunsThanSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runner := newSteeredRunner()
		runs, intents := jointRunsOf(runner, 1), runner.well(2)
		delete(runner.ends, "gw0")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _, _ = runs.alone(ctx, intents[0], "apply.yml") }()
		<-runner.begun
		waiting, giveUp := context.WithTimeout(ctx, 200*time.Millisecond)
		defer giveUp()
		if _, err := runs.alone(waiting, intents[1], "apply.yml"); !errors.Is(err, context.DeadlineExceeded) || len(runner.begun) != 0 {
			t.Errorf("a second run began: %v", err)
		}
	})
}

// TestTheEndWaitsForRuns: after it the lease is another operator's.
func TestTheEndWaitsForRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runner := newSteeredRunner()
		runner.lingers = 200 * time.Millisecond
		runs, intents := jointRunsOf(runner, 1), runner.well(2)
		delete(runner.ends, "gw0")
		ctx, cancel := context.WithCancel(context.Background())
		go func() { _, _ = runs.alone(ctx, intents[0], "apply.yml") }()
		<-runner.begun
		cancel()
		if err := runs.Start(ctx); err != nil {
			t.Fatal(err)
		}
		if runner.running.Load() != 0 {
			t.Error("a run goes on")
		}
		if _, err := runs.together(t.Context(), intents[1], "apply.yml"); err == nil || len(runner.begun) != 0 {
			t.Errorf("a run began after the end: %v", err)
		}
	})
}
