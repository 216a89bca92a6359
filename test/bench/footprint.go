package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nft-operator/nft-operator/test/lab"
)

const (
	footprintServices = 10000
	footprintHosts    = 10
	footprintChanges  = 20
	// watchedChanges are those of which a gateway's memory is watched, which
	// costs processor time itself.
	watchedChanges = 5
	// memoryEvery is how often that is done.
	memoryEvery = 2 * time.Millisecond
	// programName is what the kernel calls the operator's own process.
	programName = "nft-operator"
)

// footprint is what operator and gateways take.
type footprint struct {
	// Bytes of the operator's own process.
	settled, changed, most int64
	// Processor seconds per change, of that process and of all of the operator's.
	own, tree float64
	// Processor seconds of one apply on a gateway, and the bytes that it takes.
	apply       float64
	applyMemory int64
}

func measureFootprint(ctx context.Context) (section, error) {
	w, err := newWorld(ctx, footprintHosts, 0)
	if err != nil {
		return section{}, err
	}
	if err := w.fill(ctx, footprintServices); err != nil {
		return section{}, err
	}
	// All at once: each host that comes alone is told in the status of each Service.
	progress("have %d hosts", footprintHosts)
	if err := w.useHosts(ctx, footprintHosts); err != nil {
		return section{}, err
	}
	found, err := w.footprint(ctx)
	if err != nil {
		return section{}, err
	}
	return section{Figures: found.figures()}, nil
}

func (w *world) footprint(ctx context.Context) (found footprint, err error) {
	program, err := w.program()
	if err != nil {
		return found, err
	}
	if found.settled, _, err = program.Memory(); err != nil {
		return found, err
	}
	progress("%d changes", footprintChanges)
	own, err := program.Own()
	if err != nil {
		return found, err
	}
	tree, gateways, err := w.processorTime()
	if err != nil {
		return found, err
	}
	before, err := w.allRuns()
	if err != nil {
		return found, err
	}
	for range footprintChanges {
		if err := w.addOne(ctx); err != nil {
			return found, err
		}
	}
	ownAfter, err := program.Own()
	if err != nil {
		return found, err
	}
	treeAfter, gatewaysAfter, err := w.processorTime()
	if err != nil {
		return found, err
	}
	after, err := w.allRuns()
	if err != nil {
		return found, err
	}
	found.own = (ownAfter - own).Seconds() / footprintChanges
	found.tree = (treeAfter - tree).Seconds() / footprintChanges
	found.apply = (gatewaysAfter - gateways).Seconds() / (after - before)
	if found.changed, found.most, err = program.Memory(); err != nil {
		return found, err
	}
	found.applyMemory, err = w.memoryOfApply(ctx)
	return found, err
}

// addOne opens one more Service, and waits until all hosts have it.
func (w *world) addOne(ctx context.Context) error {
	service := newService(fmt.Sprintf("changing-%d", w.services), changingDoor(w.services), lab.UDP)
	if err := w.createOne(ctx, service); err != nil {
		return err
	}
	w.services++
	return w.settle(ctx)
}

// allRuns are those of all hosts so far.
func (w *world) allRuns() (sum float64, err error) {
	all, err := w.runs()
	for _, number := range all {
		sum += number
	}
	return sum, err
}

// program is the operator's own process.
func (w *world) program() (lab.Process, error) {
	tree, err := w.operator.FirstProcess().Tree()
	if err != nil {
		return 0, err
	}
	for _, process := range tree {
		if process.Name() == programName {
			return process, nil
		}
	}
	return 0, errors.New("the operator has no process of that name: " + programName)
}

// memoryOfApply is the most that the processes on a gateway take more than at
// rest while something changes.
func (w *world) memoryOfApply(ctx context.Context) (most int64, err error) {
	progress("%d changes under watch", watchedChanges)
	host := w.net.Gateways[0].FirstProcess()
	rest, err := memoryOf(host)
	if err != nil {
		return 0, err
	}
	stop, peak := make(chan struct{}), make(chan int64)
	go func() {
		highest := int64(0)
		ticker := time.NewTicker(memoryEvery)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				peak <- highest
				return
			case <-ticker.C:
				if now, err := memoryOf(host); err == nil {
					highest = max(highest, now)
				}
			}
		}
	}()
	for range watchedChanges {
		if err = w.addOne(ctx); err != nil {
			break
		}
	}
	close(stop)
	return <-peak - rest, err
}

// memoryOf is what all processes of a tree have in memory. What several of them
// share counts for each.
func memoryOf(root lab.Process) (sum int64, err error) {
	tree, err := root.Tree()
	if err != nil {
		return 0, err
	}
	for _, process := range tree {
		if resident, _, err := process.Memory(); err == nil { // else it has ended
			sum += resident
		}
	}
	return sum, nil
}

func (f footprint) figures() []figure {
	const mib = 1 << 20
	where := fmt.Sprintf(", %d Services, %d hosts", footprintServices, footprintHosts)
	return []figure{
		{Name: "memory of the operator's own process, settled" + where, Value: float64(f.settled) / mib, Unit: mebibytes, Target: atMost(120)},
		{
			Name: fmt.Sprintf("the same after %d changes", footprintChanges), Value: float64(f.changed) / mib, Unit: mebibytes,
			References: []reference{{"most ever", float64(f.most) / mib}}, Target: atMost(120),
		},
		{
			Name: "processor time of the operator's own process for a change" + where, Value: f.own, Unit: seconds,
			References: []reference{{"with Ansible and SSH", f.tree}},
		},
		{Name: fmt.Sprintf("processor time of one apply on a gateway, %d Services", footprintServices), Value: f.apply, Unit: seconds, Target: atMost(0.25)},
		{Name: "memory that it takes there, the most", Value: float64(f.applyMemory) / mib, Unit: mebibytes, Target: atMost(60)},
	}
}
