package controllers

import (
	"context"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
)

const (
	// mostSettling is how many times as long as it would have to be quiet a host
	// waits at the most, while events keep coming.
	mostSettling = 40
	// busyEvents before a run make it part of a burst, and mostHeat is how many such
	// runs in a row make the next ones wait longer.
	busyEvents, mostHeat = 8, 4
)

// settling puts a host into the queue when the events that ask for it have
// settled: a change alone hardly waits, and a burst becomes few runs, however
// long it lasts. It waits for longer with each run that a burst has had.
type settling struct {
	// quiet is for how long no other event must have come.
	quiet time.Duration

	mutex sync.Mutex
	hosts map[ctrl.Request]*settlingHost
}

// settlingHost is a host that events ask for, or did a moment ago.
type settlingHost struct {
	// timer runs while it waits, since the first of so many events.
	timer  *time.Timer
	since  time.Time
	events int
	// heat counts the busy runs in a row, the last of which was released then.
	heat     int
	released time.Time
	// due says that it was put into the queue since work on it last began.
	due bool
}

// handler of the events that ask for what mapping names.
func (s *settling) handler(mapping handler.MapFunc) handler.EventHandler {
	ask := func(ctx context.Context, object client.Object, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) {
		for _, request := range mapping(ctx, object) {
			s.ask(request, func() { queue.Add(request) })
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			ask(ctx, e.Object, q)
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			ask(ctx, e.ObjectNew, q)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
			ask(ctx, e.Object, q)
		},
	}
}

// ask has settled called when it is quiet, or has not been for too long.
func (s *settling) ask(request ctrl.Request, settled func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	now := time.Now()
	host := s.hosts[request]
	if host == nil || host.timer == nil {
		host = s.begin(host, now)
		host.timer = time.AfterFunc(s.pause(host, now), func() {
			s.release(request)
			settled()
		})
		if s.hosts == nil {
			s.hosts = map[ctrl.Request]*settlingHost{}
		}
		s.hosts[request] = host
	} else {
		host.timer.Reset(s.pause(host, now))
	}
	host.events++
}

// begin to wait for a host. The heat of a burst that is over is gone.
func (s *settling) begin(before *settlingHost, now time.Time) *settlingHost {
	host := &settlingHost{since: now}
	if before != nil {
		host.due = before.due
		if now.Sub(before.released) < mostSettling*s.quiet {
			host.heat = before.heat
		}
	}
	return host
}

// pause is for how long no other event must come from now on.
func (s *settling) pause(host *settlingHost, now time.Time) time.Duration {
	quiet := min(s.quiet<<(3*host.heat), mostSettling*s.quiet)
	most := time.Duration(host.heat+1) * mostSettling * s.quiet
	return min(quiet, host.since.Add(most).Sub(now))
}

func (s *settling) release(request ctrl.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	host := s.hosts[request]
	if host == nil || host.timer == nil { // an event came while the timer fired, so it fired twice
		return
	}
	host.timer, host.due = nil, true
	if host.events < busyEvents {
		host.heat = 0
		return
	}
	host.released, host.heat = time.Now(), min(host.heat+1, mostHeat)
}

// defers reports whether work on a host that begins now is to be left for later:
// it came into the queue for another reason than events, and these have not
// settled yet.
func (s *settling) defers(request ctrl.Request) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	host := s.hosts[request]
	if host == nil {
		return false
	}
	waits := host.timer != nil && !host.due
	host.due = false
	if host.timer == nil && host.heat == 0 {
		delete(s.hosts, request)
	}
	return waits
}

// forget a host that is gone.
func (s *settling) forget(request ctrl.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if host := s.hosts[request]; host != nil && host.timer == nil { // else it is asked for
		delete(s.hosts, request)
	}
}
