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

// mostSettling is how many times as long as it would have to be quiet a host
// waits at the most, while events keep coming.
const mostSettling = 40

// settling puts a host into the queue when the events that ask for it have
// settled: a change alone hardly waits, and a burst becomes few runs, however
// long it lasts.
type settling struct {
	// quiet is for how long no other event must have come.
	quiet time.Duration

	mutex   sync.Mutex
	waiting map[ctrl.Request]*settlingHost
}

// settlingHost is a host that events ask for.
type settlingHost struct {
	since time.Time
	timer *time.Timer
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
func (s *settling) ask(host ctrl.Request, settled func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if one := s.waiting[host]; one != nil {
		one.timer.Reset(min(s.quiet, time.Until(one.since.Add(mostSettling*s.quiet))))
		return
	}
	if s.waiting == nil {
		s.waiting = map[ctrl.Request]*settlingHost{}
	}
	s.waiting[host] = &settlingHost{since: time.Now(), timer: time.AfterFunc(s.quiet, func() {
		s.mutex.Lock()
		delete(s.waiting, host)
		s.mutex.Unlock()
		settled()
	})}
}
