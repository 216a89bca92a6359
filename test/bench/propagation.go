package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/nft-operator/nft-operator/test/lab"
)

// propagationCounts are how many Services there are besides.
var propagationCounts = []int{10, 100, 1000, 10000}

// changesEach of a Service, one opening and one removal each, at each number.
const changesEach = 50

// propagated are the times of all changes at one number of Services, in seconds
// from the API server's answer.
type propagated struct {
	services        int
	opened, removed []float64
	watched         []float64
	shell, nft      []float64
	stages          map[string]float64
}

func measurePropagation(ctx context.Context) (section, error) {
	w, err := newWorld(ctx, 2, 1) // the second is for the reference
	if err != nil {
		return section{}, err
	}
	server, err := w.net.Node.Serve(lab.TCP, lastDoor())
	if err != nil {
		return section{}, err
	}
	defer func() { _ = server.Close() }()
	ssh, err := openShell(w.net, w.net.Gateways[0])
	if err != nil {
		return section{}, err
	}
	var all []propagated
	for _, services := range propagationCounts {
		if err := w.fill(ctx, services); err != nil {
			return section{}, err
		}
		one, err := w.propagate(ctx, services, ssh)
		if err != nil {
			return section{}, err
		}
		all = append(all, one)
	}
	return section{Figures: propagationFigures(all), Plots: propagationPlots(all)}, nil
}

// propagate makes all changes at one number of Services, and the references
// between them.
func (w *world) propagate(ctx context.Context, services int, ssh *shell) (propagated, error) {
	all := propagated{services: services}
	bare, err := newBareSet(w.net.Gateways[1], services)
	if err != nil {
		return all, err
	}
	watching, err := watchServices(ctx, w.api)
	if err != nil {
		return all, err
	}
	defer watching.stop()
	progress("%d changes with %d Services", 2*changesEach, services)
	before, err := readStages(w.operator)
	if err != nil {
		return all, err
	}
	for number := range changesEach {
		service := newService(fmt.Sprintf("changing-%d-%02d", services, number), lastDoor(), lab.TCP)
		if err := w.openAndRemove(ctx, service, watching, &all); err != nil {
			return all, err
		}
		if err := all.refer(ssh, bare); err != nil {
			return all, err
		}
	}
	after, err := readStages(w.operator)
	all.stages = after.meansSince(before)
	return all, err
}

func (w *world) openAndRemove(ctx context.Context, service *corev1.Service, watching *watcher, all *propagated) error {
	status := service.Status
	if err := w.api.Create(ctx, service); err != nil {
		return err
	}
	service.Status = status
	if err := w.calm(ctx); err != nil {
		return err
	}
	if err := w.assign(ctx, service); err != nil {
		return err
	}
	if err := w.change(ctx, service.Name, true, watching, &all.opened, &all.watched); err != nil {
		return err
	}
	if err := w.calm(ctx); err != nil {
		return err
	}
	if err := w.api.Delete(ctx, service); err != nil {
		return err
	}
	if err := w.change(ctx, service.Name, false, watching, &all.removed, &all.watched); err != nil {
		return err
	}
	return w.calm(ctx)
}

// change is called when the API server has answered, and waits until packets and
// the watch tell of the change.
func (w *world) change(ctx context.Context, name string, open bool, watching *watcher, times, watched *[]float64) error {
	answered := time.Now()
	since, err := awaitDoor(ctx, w.net, lastDoor(), open)
	if err != nil {
		return fmt.Errorf("%w; the operator's log ends with:\n%s", err, w.logEnd())
	}
	*times = append(*times, since.Sub(answered).Seconds())
	seen, err := watching.await(name, open)
	if err != nil {
		return err
	}
	*watched = append(*watched, max(0, seen.Sub(answered)).Seconds()) // it may be told sooner than who wrote it
	return nil
}

// calm waits until the operator rests, and a little more, so that changes come at
// any time of whatever it does regularly.
func (w *world) calm(ctx context.Context) error {
	// Longer than events are gathered, which nobody is seen to work on.
	if err := pause(ctx, 150*time.Millisecond); err != nil {
		return err
	}
	if err := w.idle(ctx); err != nil {
		return err
	}
	return pause(ctx, time.Duration(rand.Int64N(int64(50*time.Millisecond))))
}

// refer measures what a change cannot do without.
func (p *propagated) refer(ssh *shell, bare bareSet) error {
	shell, err := took(ssh.run)
	if err != nil {
		return err
	}
	change, err := bare.change()
	p.shell, p.nft = append(p.shell, shell.Seconds()), append(p.nft, change.Seconds())
	return err
}

// limit is what no program could be faster than that looks at the API server and
// uses SSH and nft.
func (p propagated) limit() float64 { return median(p.watched) + median(p.shell) + median(p.nft) }

func (p propagated) references() []reference {
	return []reference{{"a bare watch", median(p.watched)}, {"true by SSH", median(p.shell)}, {"a plain nft", median(p.nft)}}
}

// Targets of the median.
var propagationTargets = map[int]float64{100: 0.35, 10000: 0.7}

// mostSpread is how much longer than the median the slowest of a hundred may be.
const mostSpread = 3

func propagationFigures(all []propagated) []figure {
	var figures []figure
	for _, one := range all {
		for _, kind := range []struct {
			name  string
			times []float64
		}{{"opening", one.opened}, {"removal", one.removed}} {
			name := fmt.Sprintf("%s, %d Services", kind.name, one.services)
			p50 := figure{Name: name + ", p50", Value: median(kind.times), Unit: seconds, References: one.references()}
			p99 := figure{Name: name + ", p99", Value: quantile(kind.times, 0.99), Unit: seconds}
			if aim, given := propagationTargets[one.services]; given {
				p50.Target, p99.Target = atMost(aim), atMost(mostSpread*aim)
			}
			figures = append(figures, p50, p99)
		}
	}
	return append(figures, stageFigures(all)...)
}

// stageFigures break the changes at each number of Services down.
func stageFigures(all []propagated) []figure {
	var figures []figure
	for _, one := range all {
		for _, stage := range stages {
			if one.stages[stage] > 0 {
				figures = append(figures, figure{
					Name: fmt.Sprintf("mean of stage %s, %d Services", stage, one.services), Value: one.stages[stage], Unit: seconds,
				})
			}
		}
	}
	return figures
}

func propagationPlots(all []propagated) []plot {
	times := plot{Name: "propagation", Kind: lines, Title: "From the API server's answer to the packet", X: "Services", Y: "seconds"}
	quantiles := []struct {
		name string
		of   func(propagated) float64
	}{
		{"opening, p99", func(p propagated) float64 { return quantile(p.opened, 0.99) }},
		{"opening, p50", func(p propagated) float64 { return median(p.opened) }},
		{"removal, p50", func(p propagated) float64 { return median(p.removed) }},
		{"watch + SSH + nft alone", propagated.limit},
	}
	for _, q := range quantiles {
		line := series{Name: q.name}
		for _, one := range all {
			line.add(float64(one.services), q.of(one))
		}
		times.Series = append(times.Series, line)
	}
	parts := plot{Name: "stages", Kind: stacks, Title: "Where the time goes, mean of each stage", X: "Services", Y: "seconds"}
	for _, one := range all {
		parts.Labels = append(parts.Labels, fmt.Sprint(one.services))
	}
	for _, stage := range stages {
		part := series{Name: stage}
		for _, one := range all {
			part.Y = append(part.Y, one.stages[stage])
		}
		parts.Series = append(parts.Series, part)
	}
	return []plot{times, parts}
}
