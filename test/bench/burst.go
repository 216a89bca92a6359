package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/test/lab"
)

const (
	burstServices = 1000
	burstHosts    = 2
	bursts        = 3
	// burstPort is where the packets come from that go through the first gateway;
	// those through the next one come from the next port.
	burstPort = 40000
)

// burstPace fires at each door of a burst twenty times a second.
var burstPace = lab.Pace{Packets: burstServices / 50, Every: time.Millisecond}

// burstTimes is what became of one burst.
type burstTimes struct {
	// written is how long the API server took, open how long after that the last
	// Service was open on every host.
	written, open float64
	// runs of the playbook on the host that had most.
	runs float64
}

func measureBurst(ctx context.Context) (section, error) {
	w, err := newWorld(ctx, burstHosts, burstHosts)
	if err != nil {
		return section{}, err
	}
	var all []burstTimes
	for range bursts {
		one, err := w.burst(ctx, burstServices)
		if err != nil {
			return section{}, err
		}
		all = append(all, one)
	}
	return section{Figures: burstFigures(all)}, nil
}

// burst creates Services and, when all are open, removes them.
func (w *world) burst(ctx context.Context, count int) (burstTimes, error) {
	progress("create %d Services", count)
	var services []*corev1.Service
	for number := range count {
		services = append(services, newService(fmt.Sprintf("burst-%04d", number), doorOf(number), lab.UDP))
	}
	before, err := w.runs()
	if err != nil {
		return burstTimes{}, err
	}
	began := time.Now()
	last, err := w.create(ctx, services)
	if err != nil {
		return burstTimes{}, err
	}
	opened, err := w.awaitDoors(ctx, services, burstPace)
	if err != nil {
		return burstTimes{}, err
	}
	one := burstTimes{written: last.Sub(began).Seconds(), open: opened.Sub(last).Seconds()}
	if err := w.calm(ctx); err != nil {
		return one, err
	}
	after, err := w.runs()
	if err != nil {
		return one, err
	}
	for host, number := range after {
		one.runs = max(one.runs, number-before[host])
	}
	if err := w.api.DeleteAllOf(ctx, &corev1.Service{}, client.InNamespace(namespace)); err != nil {
		return one, err
	}
	return one, w.settle(ctx)
}

// runs are the attempts so far, by host.
func (w *world) runs() (map[string]float64, error) {
	all := map[string]float64{}
	for _, host := range w.net.Gateways {
		number, err := w.operator.Metric("nft_operator_runs_total", fmt.Sprintf("host=%q", edge+"."+host.Name))
		if err != nil {
			return nil, err
		}
		all[host.Name] = number
	}
	return all, nil
}

// awaitDoors fires at the UDP doors of Services through every host, until one
// packet to each came through each, and tells when the last one did.
func (w *world) awaitDoors(ctx context.Context, services []*corev1.Service, pace lab.Pace) (last time.Time, err error) {
	var targets []lab.Target
	for _, service := range services {
		targets = append(targets, targetOf(service, w.net.Client))
	}
	arrivals, err := w.net.Node.NoteArrivals()
	if err != nil {
		return last, err
	}
	defer func() { err = errors.Join(err, arrivals.Close()) }()
	for i, host := range w.net.Gateways[:w.hosts] {
		volley, err := w.net.Fire(host, uint16(burstPort+i), pace, targets...)
		if err != nil {
			return last, err
		}
		defer func() { err = errors.Join(err, volley.Close()) }()
	}
	wanted := len(services) * w.hosts
	for deadline := time.Now().Add(doorPatience); ; {
		first := arrivals.First()
		if len(first) == wanted {
			for _, at := range first {
				last = latest(last, at)
			}
			return last, nil
		}
		if time.Now().After(deadline) {
			return last, fmt.Errorf("after %s only %d of %d doors are open; the operator's log ends with:\n%s", doorPatience, len(first), wanted, w.logEnd())
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return last, err
		}
	}
}

func latest(a, b time.Time) time.Time {
	return slices.MaxFunc([]time.Time{a, b}, time.Time.Compare)
}

// targetOf is the door of a Service of one port.
func targetOf(service *corev1.Service, client *lab.Client) lab.Target {
	port := uint16(service.Spec.Ports[0].Port)
	return lab.Target{
		From: client.Primary.IPv4, To: netip.MustParseAddr(service.Status.LoadBalancer.Ingress[0].IP), Protocols: []lab.Protocol{lab.UDP}, FirstPort: port, LastPort: port,
	}
}

func burstFigures(all []burstTimes) []figure {
	var written, open, runs []float64
	for _, one := range all {
		written, open, runs = append(written, one.written), append(open, one.open), append(runs, one.runs)
	}
	return []figure{
		{
			Name:  fmt.Sprintf("%d Services created: the last is open after the last write, median of %d bursts", burstServices, bursts),
			Value: median(open), Unit: seconds, References: []reference{{"all writes", median(written)}}, Target: atMost(3),
		},
		{Name: "the slowest of these bursts", Value: slices.Max(open), Unit: seconds},
		{Name: "playbook runs of one host for a burst, the most", Value: slices.Max(runs), Unit: count, Target: atMost(5)},
	}
}
