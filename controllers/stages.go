package controllers

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

// stageSeconds has a series for each stage, not for each host: it is for finding
// what is slow, and runs of all hosts are alike.
var stageSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
	Name: "nft_operator_stage_seconds",
	Help: "How long each stage of an attempt on a host took, in the order of time: queue (since the first event that asked for it), plan, slot (until a run might begin), " +
		"files, start, check, render, ssh, module, list, load, confirm, end; total is that of the playbook run.",
	Buckets: prometheus.ExponentialBuckets(0.001, 2, 16), // 1 ms to 33 s
}, []string{"stage"})

// observeStages takes down how long an attempt took, and what it waited for
// before. What did not happen, and so took no time, is left out.
func observeStages(queued, planned, attempted time.Duration, run ansible.Timings) {
	if run.Total == 0 { // nothing ran
		return
	}
	for stage, took := range map[string]time.Duration{
		"queue": queued, "plan": planned, "slot": attempted - run.Total,
		"files": run.Files, "start": run.Start, "check": run.Check, "render": run.Render, "ssh": run.SSH, "module": run.Module,
		"list": run.List, "load": run.Load, "confirm": run.Confirm, "end": run.End, "total": run.Total,
	} {
		if took > 0 {
			stageSeconds.WithLabelValues(stage).Observe(took.Seconds())
		}
	}
}

// arrivals remember since when each host has been asked for.
type arrivals struct {
	mutex sync.Mutex
	first map[types.NamespacedName]time.Time
}

// noting notes whom a mapping names.
func (a *arrivals) noting(mapping handler.MapFunc) handler.MapFunc {
	return func(ctx context.Context, object client.Object) []ctrl.Request {
		requests := mapping(ctx, object)
		now := time.Now()
		for _, request := range requests {
			a.note(request.NamespacedName, now)
		}
		return requests
	}
}

// note takes down that an event asks for a host.
func (a *arrivals) note(host types.NamespacedName, now time.Time) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.first == nil {
		a.first = map[types.NamespacedName]time.Time{}
	}
	if _, waits := a.first[host]; !waits {
		a.first[host] = now
	}
}

// serve is called when work on a host begins, and tells how long the first event
// since the last time has waited; zero where there was none.
func (a *arrivals) serve(host types.NamespacedName, now time.Time) time.Duration {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	first, waits := a.first[host]
	if !waits {
		return 0
	}
	delete(a.first, host)
	return now.Sub(first)
}
