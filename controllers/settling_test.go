package controllers

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
)

// every is a row of events that come one after the other.
func every(pause time.Duration, count int) []time.Duration {
	var at []time.Duration
	for i := range count {
		at = append(at, time.Duration(i)*pause)
	}
	return at
}

func TestEventsSettle(t *testing.T) {
	const quiet = 25 * time.Millisecond
	for name, test := range map[string]struct {
		events []time.Duration
		want   []time.Duration
	}{
		"one alone":              {[]time.Duration{0}, []time.Duration{quiet}},
		"two, apart":             {[]time.Duration{0, time.Second}, []time.Duration{quiet, time.Second + quiet}},
		"two, together":          {[]time.Duration{0, 10 * time.Millisecond}, []time.Duration{10*time.Millisecond + quiet}},
		"a short burst":          {every(time.Millisecond, 100), []time.Duration{99*time.Millisecond + quiet}},
		"a burst that goes on":   {every(11*time.Millisecond, 251), []time.Duration{time.Second, 2750*time.Millisecond + 8*quiet}},
		"a long burst":           {every(11*time.Millisecond, 1000), []time.Duration{time.Second, 3001 * time.Millisecond, 6003 * time.Millisecond, 10006 * time.Millisecond, 11989 * time.Millisecond}},
		"one soon after a burst": {append(every(time.Millisecond, 10), 100*time.Millisecond), []time.Duration{9*time.Millisecond + quiet, 100*time.Millisecond + 8*quiet}},
		"one later":              {append(every(time.Millisecond, 10), 2*time.Second), []time.Duration{9*time.Millisecond + quiet, 2*time.Second + quiet}},
		"a change a second":      {every(time.Second, 4), []time.Duration{quiet, time.Second + quiet, 2*time.Second + quiet, 3*time.Second + quiet}},
		"slower than it settles": {every(30*time.Millisecond, 3), []time.Duration{quiet, 30*time.Millisecond + quiet, 60*time.Millisecond + quiet}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				settling := settling{quiet: quiet}
				var got []time.Duration
				for _, at := range test.events {
					time.Sleep(time.Until(began.Add(at)))
					synctest.Wait()
					settling.ask(askFor("gw1"), func() { got = append(got, time.Since(began)) })
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if !slices.Equal(got, test.want) {
					t.Errorf("settled after %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestHostsSettleByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settling := settling{quiet: 25 * time.Millisecond}
		settled := map[string]int{}
		for _, host := range []string{"gw1", "gw2", "gw1"} {
			settling.ask(askFor(host), func() { settled[host]++ })
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, host := range []string{"gw1", "gw2"} {
			if settling.defers(askFor(host)) {
				t.Errorf("%s is deferred", host)
			}
		}
		if settled["gw1"] != 1 || settled["gw2"] != 1 || len(settling.hosts) != 0 {
			t.Errorf("settled: %v, still known: %v", settled, settling.hosts)
		}
	})
}

// TestWorkForAnotherReasonWaitsForABurst: a status that has to be written again,
// for example, would otherwise be a run of its own.
func TestWorkForAnotherReasonWaitsForABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settling := settling{quiet: 25 * time.Millisecond}
		host := askFor("gw1")
		event := func() { settling.ask(host, func() {}) }
		expect := func(when string, want bool) {
			t.Helper()
			synctest.Wait()
			if got := settling.defers(host); got != want {
				t.Errorf("%s: deferred %v, want %v", when, got, want)
			}
		}
		expect("nothing happened", false)
		for range busyEvents {
			event()
		}
		expect("events are coming", true)
		time.Sleep(25 * time.Millisecond)
		synctest.Wait()
		event()
		expect("they settled, and another came before work began", false)
		expect("work began, and the other has not settled", true)
		time.Sleep(time.Minute)
		expect("all settled", false)
	})
}

// TestAHostThatWaitsForAWorkerKeepsItsPlace, though more events come meanwhile,
// few or many: if each deferred it, it would never be served.
func TestAHostThatWaitsForAWorkerKeepsItsPlace(t *testing.T) {
	for _, events := range []int{1, 2 * busyEvents} {
		synctest.Test(t, func(t *testing.T) {
			settling := settling{quiet: 25 * time.Millisecond}
			for range events {
				settling.ask(askFor("gw1"), func() {})
			}
			time.Sleep(25 * time.Millisecond)
			synctest.Wait()
			settling.ask(askFor("gw1"), func() {})
			if settling.defers(askFor("gw1")) {
				t.Errorf("deferred by one event after %d that had settled", events)
			}
			time.Sleep(time.Minute)
		})
	}
}

func TestAHostThatIsGoneIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settling := settling{quiet: 25 * time.Millisecond}
		for range busyEvents {
			settling.ask(askFor("gw1"), func() {})
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		settling.defers(askFor("gw1"))
		settling.forget(askFor("gw1"))
		if len(settling.hosts) != 0 {
			t.Errorf("still known: %v", settling.hosts)
		}
	})
}

func askFor(host string) ctrl.Request {
	return ctrl.Request{NamespacedName: types.NamespacedName{Name: host}}
}
