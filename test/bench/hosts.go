package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/nft-operator/nft-operator/test/lab"
)

// hostCounts are how many gateways there are.
var hostCounts = []int{1, 10, 50}

const (
	// hostChanges at each number of hosts: a new Service each.
	hostChanges = 5
	// hostServices are there besides.
	hostServices = 100
)

// hostPace fires at the one door of each gateway.
var hostPace = lab.Pace{Packets: 1, Every: 10 * time.Millisecond}

// hostTimes are those of all changes at one number of hosts, and what they cost.
type hostTimes struct {
	hosts int
	// current is when the last host had the change, and shells how long it takes
	// to run true on all of them at once.
	current, shells []float64
	// operator and gateway are processor seconds per host and change.
	operator, gateway float64
}

func measureHosts(ctx context.Context) (section, error) {
	w, err := newWorld(ctx, slices.Max(hostCounts), 1)
	if err != nil {
		return section{}, err
	}
	if err := w.fill(ctx, hostServices); err != nil {
		return section{}, err
	}
	var all []hostTimes
	for _, hosts := range hostCounts {
		progress("have %d hosts", hosts)
		if err := w.useHosts(ctx, hosts); err != nil {
			return section{}, err
		}
		one, err := w.changeHosts(ctx)
		if err != nil {
			return section{}, err
		}
		all = append(all, one)
	}
	return section{Figures: hostFigures(all), Plots: hostPlots(all)}, nil
}

// changeHosts adds some Services, one after the other.
func (w *world) changeHosts(ctx context.Context) (hostTimes, error) {
	all := hostTimes{hosts: w.hosts}
	var shells []*shell
	for _, gateway := range w.net.Gateways[:w.hosts] {
		one, err := openShell(w.net, gateway)
		if err != nil {
			return all, err
		}
		shells = append(shells, one)
	}
	progress("%d changes on %d hosts", hostChanges, w.hosts)
	for number := range hostChanges {
		service := newService(fmt.Sprintf("changing-%d-%d", w.hosts, number), changingDoor(w.services), lab.UDP)
		if err := w.changeAll(ctx, service, &all); err != nil {
			return all, err
		}
		w.services++
		reference, err := took(func() error { return allShells(shells) })
		if err != nil {
			return all, err
		}
		all.shells = append(all.shells, reference.Seconds())
	}
	per := float64(hostChanges * w.hosts)
	all.operator, all.gateway = all.operator/per, all.gateway/per
	return all, nil
}

// changeAll opens a Service and adds to the times.
func (w *world) changeAll(ctx context.Context, service *corev1.Service, all *hostTimes) error {
	status := service.Status
	if err := w.api.Create(ctx, service); err != nil {
		return err
	}
	service.Status = status
	if err := w.calm(ctx); err != nil {
		return err
	}
	operatorBefore, gatewaysBefore, err := w.processorTime()
	if err != nil {
		return err
	}
	if err := w.assign(ctx, service); err != nil {
		return err
	}
	answered := time.Now()
	last, err := w.awaitDoors(ctx, []*corev1.Service{service}, hostPace)
	if err != nil {
		return err
	}
	all.current = append(all.current, last.Sub(answered).Seconds())
	if err := w.calm(ctx); err != nil {
		return err
	}
	operatorAfter, gatewaysAfter, err := w.processorTime()
	all.operator += (operatorAfter - operatorBefore).Seconds()
	all.gateway += (gatewaysAfter - gatewaysBefore).Seconds()
	return err
}

// processorTime is what the operator with all of its processes, and those of all
// its gateways, used so far.
func (w *world) processorTime() (operator, gateways time.Duration, err error) {
	if operator, err = w.operator.FirstProcess().OfTree(); err != nil {
		return 0, 0, err
	}
	for _, gateway := range w.net.Gateways[:w.hosts] {
		used, err := gateway.FirstProcess().OfTree()
		if err != nil {
			return 0, 0, err
		}
		gateways += used
	}
	return operator, gateways, nil
}

// mostHostSeconds is how long one change may take on all of the most hosts.
const mostHostSeconds = 5

func hostFigures(all []hostTimes) []figure {
	var figures []figure
	for _, one := range all {
		name := fmt.Sprintf("one change, %d hosts", one.hosts)
		current := figure{
			Name: name + ": the last is current, median", Value: median(one.current), Unit: seconds,
			References: []reference{{"true by SSH on all at once", median(one.shells)}},
		}
		if one.hosts == slices.Max(hostCounts) {
			current.Target = atMost(mostHostSeconds)
		}
		figures = append(figures, current,
			figure{Name: name + ": the slowest", Value: slices.Max(one.current), Unit: seconds},
			figure{Name: name + ": processor time of the operator and its processes, for each host", Value: one.operator, Unit: seconds},
			figure{Name: name + ": processor time of the gateway", Value: one.gateway, Unit: seconds})
	}
	return figures
}

func hostPlots(all []hostTimes) []plot {
	current, shells := series{Name: "the last host is current"}, series{Name: "true by SSH on all at once"}
	for _, one := range all {
		current.add(float64(one.hosts), median(one.current))
		shells.add(float64(one.hosts), median(one.shells))
	}
	return []plot{{
		Name: "hosts", Kind: lines, Title: "One change on all hosts", X: "hosts", Y: "seconds", Series: []series{current, shells},
	}}
}
