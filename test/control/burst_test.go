package control

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

const (
	burst = 200
	// mostRuns of a host for one burst, with runs that last as long as real ones.
	mostRuns   = 5
	runLasts   = 700 * time.Millisecond
	goroutines = 8
)

// burstOfServices creates Services with addresses, as fast as the API server lets.
func (s *shop) burstOfServices(count int) {
	s.t.Helper()
	numbers := make(chan int)
	failures := make([]error, goroutines)
	var group sync.WaitGroup
	for i := range goroutines {
		group.Go(func() {
			for number := range numbers {
				_, err := s.tryService(s.newService(fmt.Sprintf("web-%d", number)), fmt.Sprintf("203.0.113.%d", number+1))
				failures[i] = errors.Join(failures[i], err)
			}
		})
	}
	for number := range count {
		numbers <- number
	}
	close(numbers)
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		s.t.Fatal(err)
	}
}

func TestABurstIsAHandfulOfRuns(t *testing.T) {
	s := openEdge(t, "gw1", "gw2")
	operator := startOperator(t)
	awaitProgrammed(t, edge)
	before := map[string]int{}
	for _, host := range []string{"gw1", "gw2"} {
		before[host] = operator.runner.count(host)
		operator.runner.on(host, operator.runner.succeedAfter(runLasts))
	}
	began := time.Now()
	s.burstOfServices(burst)
	created := time.Since(began)
	for number := range burst {
		s.awaitOpen(fmt.Sprintf("web-%d", number), "2 of 2 gateway hosts")
	}
	for host, earlier := range before {
		runs := operator.runner.count(host) - earlier
		t.Logf("%s: %d runs; %d Services made in %s, open after %s", host, runs, burst, created, time.Since(began))
		if runs > mostRuns {
			t.Errorf("%d Services were %d runs on %s", burst, runs, host)
		}
	}
}

func TestChangesDuringARunAreOneMore(t *testing.T) {
	s := openEdge(t, "gw1", "gw2")
	operator := startOperator(t)
	awaitProgrammed(t, edge)
	gate := make(chan struct{})
	operator.runner.on("gw1", operator.runner.succeedBehind(gate))
	before := operator.runner.count("gw1")
	s.service("first", []string{"203.0.113.250"})
	await(t, "a run to begin", func() error {
		if operator.runner.count("gw1") == before {
			return errors.New("no run")
		}
		return nil
	})
	const changes = 20
	s.burstOfServices(changes)
	await(t, "the other host to have all of them", func() error {
		if exposures := operator.runner.last("gw2").Vars.Exposures.IPv4; len(exposures) != changes+1 {
			return fmt.Errorf("it has %d", len(exposures))
		}
		return nil
	})
	if runs := operator.runner.count("gw1") - before; runs != 1 {
		t.Errorf("%d runs at one time", runs)
	}
	close(gate)
	s.awaitOpen("first", "2 of 2 gateway hosts")
	for number := range changes {
		s.awaitOpen(fmt.Sprintf("web-%d", number), "2 of 2 gateway hosts")
	}
	if runs := operator.runner.count("gw1") - before; runs != 2 {
		t.Errorf("the changes during a run became %d more", runs-1)
	}
}
