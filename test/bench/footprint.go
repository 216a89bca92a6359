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
	// residentEvery is how often that is done, and sharesEvery for the operator,
	// where the kernel has to look at each page.
	residentEvery, sharesEvery = 2 * time.Millisecond, 50 * time.Millisecond
	// programName is what the kernel calls the operator's own process.
	programName = "nft-operator"
)

// footprint is what operator and gateways take.
type footprint struct {
	// Bytes of the operator's own process.
	settled, changed, most int64
	// Bytes of all of the operator's processes, what they share counted once.
	all int64
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
	if found.settled, err = program.Resident(); err != nil {
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
	if found.changed, err = program.Resident(); err != nil {
		return found, err
	}
	if found.most, err = program.MostResident(); err != nil {
		return found, err
	}
	found.all, found.applyMemory, err = w.watchMemory(ctx)
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

// watchMemory has some more changes made under watch: the most that all of the
// operator's processes take, and what those on a gateway take more than at rest.
func (w *world) watchMemory(ctx context.Context) (all, apply int64, err error) {
	progress("%d changes under watch", watchedChanges)
	host := w.net.Gateways[0].FirstProcess()
	rest := memoryOf(host, lab.Process.Resident)
	ofAll := peakMemory(w.operator.FirstProcess(), sharesEvery, lab.Process.Share)
	ofHost := peakMemory(host, residentEvery, lab.Process.Resident)
	for range watchedChanges {
		if err = w.addOne(ctx); err != nil {
			break
		}
	}
	return ofAll(), ofHost() - rest, err
}

// peakMemory looks at the memory of a tree of processes until it is asked for the
// most.
func peakMemory(root lab.Process, every time.Duration, of func(lab.Process) (int64, error)) (end func() int64) {
	stop, peak := make(chan struct{}), make(chan int64)
	go func() {
		most := int64(0)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				peak <- most
				return
			case <-ticker.C:
				most = max(most, memoryOf(root, of))
			}
		}
	}()
	return func() int64 {
		close(stop)
		return <-peak
	}
}

// memoryOf is what all processes of a tree have.
func memoryOf(root lab.Process, of func(lab.Process) (int64, error)) (sum int64) {
	tree, err := root.Tree()
	if err != nil {
		return 0
	}
	for _, process := range tree {
		if has, err := of(process); err == nil { // else it has ended
			sum += has
		}
	}
	return sum
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
		{Name: "memory of all of the operator's processes during a change, the most" + where, Value: float64(f.all) / mib, Unit: mebibytes},
		{
			Name: "processor time of the operator's own process for a change" + where, Value: f.own, Unit: seconds,
			References: []reference{{"with Ansible and SSH", f.tree}},
		},
		{Name: fmt.Sprintf("processor time of one apply on a gateway, %d Services", footprintServices), Value: f.apply, Unit: seconds, Target: atMost(0.25)},
		{Name: "memory that it takes there, the most", Value: float64(f.applyMemory) / mib, Unit: mebibytes, Target: atMost(60)},
	}
}
