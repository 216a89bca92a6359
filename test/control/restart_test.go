package control

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

// changeLog notes every change of the Services of a shop.
type changeLog struct {
	mutex   sync.Mutex
	changes map[string]int
}

// record begins to note changes. Those made before are not noted.
func (s *shop) record() *changeLog {
	s.t.Helper()
	log := &changeLog{changes: map[string]int{}}
	var present corev1.ServiceList
	if err := the.api.List(s.t.Context(), &present, client.InNamespace(s.name)); err != nil {
		s.t.Fatal(err)
	}
	watcher, err := the.api.Watch(s.t.Context(), &corev1.ServiceList{}, client.InNamespace(s.name),
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: present.ResourceVersion}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(watcher.Stop)
	go func() {
		for event := range watcher.ResultChan() {
			if service, ok := event.Object.(*corev1.Service); ok && event.Type == watch.Modified {
				log.mutex.Lock()
				log.changes[service.Name]++
				log.mutex.Unlock()
			}
		}
	}()
	return log
}

func (l *changeLog) of(service string) int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.changes[service]
}

// awaitSeen waits until the log has the latest change of a Service, and so all
// earlier ones of others.
func (l *changeLog) awaitSeen(t *testing.T, service string) {
	t.Helper()
	await(t, "the log to see "+service, func() error {
		if l.of(service) == 0 {
			return fmt.Errorf("it has %v", l.changes)
		}
		return nil
	})
}

// TestARestartTellsServicesNothing: until each host was tried, what was told
// before stands; when all is as before, not a byte is written.
func TestARestartTellsServicesNothing(t *testing.T) {
	s := openEdge(t, "gw1", "gw2", "gw3")
	first := startOperator(t)
	s.service("open", []string{"203.0.113.10"})
	s.service("refused", []string{"192.0.2.99"})
	s.service("mixed", []string{"203.0.113.11", "192.0.2.99"})
	s.awaitOpen("open", "3 of 3 gateway hosts")
	s.awaitClosed("refused", "AddressNotAllowed")
	await(t, "mixed to be told of its rest", func() error {
		condition, err := s.conditionOf("mixed")
		if err != nil || condition == nil || !strings.HasSuffix(condition.Message, "3 of 3 gateway hosts") {
			return errors.Join(err, fmt.Errorf("condition is %+v", condition))
		}
		return nil
	})
	first.stop()
	log := s.record()

	second := startOperator(t)
	gate := make(chan struct{})
	second.runner.on("gw1", second.runner.succeedBehind(gate))
	s.service("new", []string{"203.0.113.12"})
	s.awaitClosed("new", "Pending")
	await(t, "the other hosts to be tried", func() error {
		if second.runner.count("gw1") == 0 || second.runner.count("gw2") == 0 || second.runner.count("gw3") == 0 {
			return fmt.Errorf("%d runs", second.runner.total())
		}
		return nil
	})
	close(gate)
	s.awaitOpen("new", "3 of 3 gateway hosts")
	log.awaitSeen(t, "new")
	for _, service := range []string{"open", "refused", "mixed"} {
		if changes := log.of(service); changes > 0 {
			t.Errorf("%s was written %d times", service, changes)
		}
	}
}

// TestARestartWithAFailingHost: a host that is tried and fails is told of.
func TestARestartWithAFailingHost(t *testing.T) {
	s := openEdge(t, "gw1", "gw2")
	first := startOperator(t)
	s.service("web", []string{"203.0.113.10"})
	s.awaitOpen("web", "2 of 2 gateway hosts")
	first.stop()
	second := startOperator(t)
	second.runner.on("gw2", fail(ansible.ReasonSudoRefused))
	condition := s.awaitClosed("web", "HostNotProgrammed")
	if want := "open as asked on 1 of 2 gateway hosts; edge.gw2: SudoRefused"; condition.Message != want {
		t.Errorf("the Service is told %q, want %q", condition.Message, want)
	}
}

func TestOneOperatorLeads(t *testing.T) {
	s := openEdge(t, "gw1")
	first := startOperator(t, withLeaderElection())
	s.service("web", []string{"203.0.113.10"})
	s.awaitOpen("web", "1 of 1 gateway hosts")
	second := startOperator(t, withLeaderElection())
	await(t, "the second to ask for the lease", func() error {
		if second.wire.leaseRequests() < 2 {
			return fmt.Errorf("%d requests", second.wire.leaseRequests())
		}
		return nil
	})
	s.service("dns", []string{"203.0.113.11"})
	s.awaitOpen("dns", "1 of 1 gateway hosts")
	if second.runner.total() > 0 || len(second.wire.writes()) > 0 {
		t.Errorf("the second acts: %d runs, writes %v", second.runner.total(), second.wire.writes())
	}

	first.stop()
	runs := first.runner.total()
	s.service("mail", []string{"203.0.113.12"})
	s.awaitOpen("mail", "1 of 1 gateway hosts")
	if second.runner.total() == 0 || first.runner.total() != runs {
		t.Errorf("after the first stopped it had %d runs more, the second %d", first.runner.total()-runs, second.runner.total())
	}
}
