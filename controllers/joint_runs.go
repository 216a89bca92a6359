package controllers

import (
	"context"
	"sync"
	"time"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

const (
	// mostTogether bounds the hosts of one run: each is a process of its own there.
	mostTogether = 10
	// untilTogether is how long a run waits for the other hosts of its gateway.
	// One change concerns all of them, and their workers begin at one time.
	untilTogether = 20 * time.Millisecond
)

// jointRuns make one run of hosts of a gateway that are due at one time: most of
// a run's cost is its start. Each host learns of its own report at once, so that
// one that hangs delays no other.
type jointRuns struct {
	runner ansible.Runner
	// slots bound the runs at one time.
	slots chan struct{}
	fence func(context.Context) (*ansible.Fence, error)

	mutex sync.Mutex
	// gathering are the runs that have not begun.
	gathering map[*Planned]*jointRun
	closed    bool
	running   sync.WaitGroup
}

// jointRun is one run on its way.
type jointRun struct {
	run ansible.Run
	// most is how many hosts it takes.
	most int
	// complete is closed when no other host can join.
	complete chan struct{}
	answers  map[string]chan answer
}

// answer is what one host of a run is told.
type answer struct {
	report ansible.Report
	err    error
}

func newJointRuns(runner ansible.Runner, slots int, fence func(context.Context) (*ansible.Fence, error)) *jointRuns {
	return &jointRuns{runner: runner, slots: make(chan struct{}, slots), fence: fence, gathering: map[*Planned]*jointRun{}}
}

// Start waits, when the manager ends, until every run has: what comes after may
// be another operator.
func (j *jointRuns) Start(ctx context.Context) error {
	<-ctx.Done()
	j.mutex.Lock()
	j.closed = true
	j.mutex.Unlock()
	j.running.Wait()
	return nil
}

// together runs a playbook on a host, and on those that join it. Its error says
// why there was no attempt.
func (j *jointRuns) together(ctx context.Context, intent hostIntent, playbook string) (ansible.Report, error) {
	told, err := j.join(ctx, intent, playbook)
	if err != nil {
		return ansible.Report{}, err
	}
	return await(ctx, told)
}

// alone runs a playbook on a host for which no other is to wait.
func (j *jointRuns) alone(ctx context.Context, intent hostIntent, playbook string) (ansible.Report, error) {
	run := newJointRun(intent, playbook, 1)
	told := run.add(intent.target)
	j.mutex.Lock()
	err := j.begin(ctx, run)
	j.mutex.Unlock()
	if err != nil {
		return ansible.Report{}, err
	}
	return await(ctx, told)
}

func await(ctx context.Context, told <-chan answer) (ansible.Report, error) {
	select {
	case answer := <-told:
		return answer.report, answer.err
	case <-ctx.Done():
		return ansible.Report{}, ctx.Err()
	}
}

// join adds the host to the run that is being gathered, or begins to gather one.
func (j *jointRuns) join(ctx context.Context, intent hostIntent, playbook string) (<-chan answer, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if run := j.gathering[intent.Planned]; run != nil && run.takes(intent, playbook) {
		return run.add(intent.target), nil
	}
	run := newJointRun(intent, playbook, min(mostTogether, len(intent.all)))
	told := run.add(intent.target)
	if err := j.begin(ctx, run); err != nil {
		return nil, err
	}
	j.gathering[intent.Planned] = run
	return told, nil
}

// begin sets a run on its way: it is gathered, finds a slot, and goes.
func (j *jointRuns) begin(ctx context.Context, run *jointRun) error {
	if j.closed {
		return context.Canceled
	}
	j.running.Go(func() {
		run.gather(ctx)
		select {
		case j.slots <- struct{}{}:
			defer func() { <-j.slots }()
		case <-ctx.Done():
		}
		j.leave(run)
		rest := j.execute(ctx, run)
		for name := range run.answers {
			run.tell(name, rest)
		}
	})
	return nil
}

// leave takes a run from those that can be joined.
func (j *jointRuns) leave(run *jointRun) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	for planned, gathering := range j.gathering {
		if gathering == run {
			delete(j.gathering, planned)
		}
	}
}

// execute runs it, and returns what to tell the hosts that were not reported on.
func (j *jointRuns) execute(ctx context.Context, run *jointRun) answer {
	if ctx.Err() != nil { // there may be no slot
		return answer{err: ctx.Err()}
	}
	var err error
	if run.run.Fence, err = j.fence(ctx); err != nil {
		return answer{err: err}
	}
	run.run.Told = func(name string, report ansible.Report) { run.tell(name, answer{report: report}) }
	reports, err := j.runner.Run(ctx, run.run)
	for name, report := range reports {
		run.tell(name, answer{report: report})
	}
	switch {
	case ctx.Err() != nil: // shutting down says nothing about a host
		return answer{err: ctx.Err()}
	case err != nil:
		return answer{report: ansible.Report{Reason: reasonOfRun(err), Message: err.Error()}}
	}
	return answer{report: ansible.Report{Reason: ansible.ReasonRunnerFailed, Message: "the run reported nothing on this host"}}
}

func newJointRun(intent hostIntent, playbook string, most int) *jointRun {
	return &jointRun{run: intent.Run(playbook), most: most, complete: make(chan struct{}), answers: map[string]chan answer{}}
}

// takes reports whether a host can join.
func (r *jointRun) takes(intent hostIntent, playbook string) bool {
	return len(r.run.Targets) < r.most && r.run.Playbook == playbook && r.run.Access.Same(intent.Access)
}

func (r *jointRun) add(target ansible.Target) <-chan answer {
	told := make(chan answer, 1)
	r.answers[target.Name] = told
	r.run.Targets = append(r.run.Targets, target)
	if len(r.run.Targets) == r.most {
		close(r.complete)
	}
	return told
}

// gather waits for the other hosts.
func (r *jointRun) gather(ctx context.Context) {
	select {
	case <-r.complete:
	case <-time.After(untilTogether):
	case <-ctx.Done():
	}
}

// tell a host what came; later ones change nothing.
func (r *jointRun) tell(name string, came answer) {
	if told := r.answers[name]; told != nil {
		select {
		case told <- came:
		default:
		}
	}
}
