package control

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestAServiceIsToldThatItIsOpen(t *testing.T) {
	s := openEdge(t, "gw1", "gw2")
	operator := startOperator(t)
	s.service("web", []string{"203.0.113.10"})
	s.awaitOpen("web", "2 of 2 gateway hosts: 203.0.113.10 tcp/80")
	if event := s.awaitEvent("web", corev1.EventTypeNormal, "Opened"); !strings.Contains(event.Note, "203.0.113.10 tcp/80") {
		t.Errorf("the Event says %q", event.Note)
	}
	for _, host := range []string{"gw1", "gw2"} {
		if exposures := operator.runner.last(host).Vars.Exposures.IPv4; len(exposures) != 1 || exposures[0].Service != s.name+"/web" {
			t.Errorf("%s was to open %+v", host, exposures)
		}
	}
	gateway := awaitProgrammed(t, edge)
	if gateway.Status.Hosts != "2/2" || gateway.Status.OpenServices != 1 || gateway.Status.RefusedServices != 0 {
		t.Errorf("the gateway's status is %+v", gateway.Status)
	}
}

// TestOpenMeansOnEveryHost: one that is busy with an older plan has not opened
// what that plan does not have.
func TestOpenMeansOnEveryHost(t *testing.T) {
	s := openEdge(t, "gw1", "gw2")
	operator := startOperator(t)
	s.service("edited", []string{"203.0.113.10"})
	s.awaitOpen("edited", "2 of 2 gateway hosts")
	gate := make(chan struct{})
	operator.runner.on("gw2", operator.runner.succeedBehind(gate))
	busy := operator.runner.count("gw2")
	s.service("first", []string{"203.0.113.11"})
	await(t, "gw2 to be busy", func() error {
		if operator.runner.count("gw2") == busy {
			return fmt.Errorf("%d runs", busy)
		}
		return nil
	})

	s.service("second", []string{"203.0.113.12"})
	s.update("edited", func(service *corev1.Service) { service.Spec.Ports[0].Port = 81 })
	for _, service := range []string{"second", "edited"} {
		await(t, service+" to be told of gw1", func() error {
			condition, err := s.conditionOf(service)
			if err != nil || condition == nil || !strings.HasPrefix(condition.Message, "open as asked on 1 of 2 gateway hosts") {
				return errors.Join(err, fmt.Errorf("condition is %+v", condition))
			}
			return nil
		})
	}
	close(gate)
	for _, service := range []string{"first", "second", "edited"} {
		s.awaitOpen(service, "2 of 2 gateway hosts")
	}
	for service, want := range map[string]int{"first": 1, "second": 1, "edited": 2} {
		await(t, fmt.Sprintf("%s to have %d Events, all of them Opened", service, want), func() error {
			events, err := s.eventsOf(service) // they are written after the condition
			if err != nil || len(events) != want {
				return fmt.Errorf("%d events, %w", len(events), err)
			}
			return nil
		})
	}
}

func TestARefusedServiceIsToldWhyAndHarmsNoOther(t *testing.T) {
	s := openEdge(t, "gw1")
	startOperator(t)
	s.service("good", []string{"203.0.113.10"})
	s.service("multicast", []string{"224.0.0.5"})
	s.service("outside", []string{"192.0.2.99"})
	s.service("taken", []string{"203.0.113.10"})
	s.service("mixed", []string{"203.0.113.12", "192.0.2.99"})

	for name, reason := range map[string]string{
		"multicast": "InvalidAddress", "outside": "AddressNotAllowed", "taken": "AddressInUse", "mixed": "AddressNotAllowed",
	} {
		condition := s.awaitClosed(name, reason)
		if event := s.awaitEvent(name, corev1.EventTypeWarning, reason); event.Note == "" || condition.Message == "" {
			t.Errorf("%s is told nothing: %+v, %+v", name, condition, event)
		}
	}
	s.awaitOpen("good", "1 of 1 gateway hosts")
	await(t, "the rest of mixed to be open", func() error {
		condition, err := s.conditionOf("mixed")
		if err != nil || condition == nil || !strings.HasSuffix(condition.Message, "the rest of the service is open on 1 of 1 gateway hosts") {
			return errors.Join(err, fmt.Errorf("condition is %+v", condition))
		}
		return nil
	})
	await(t, "the host to tell of the refusals", func() error {
		host, err := hostOf(t, edge, "gw1")
		if err != nil || host.Status.RefusedServices != 4 || len(host.Status.Refusals) != 4 || host.Status.OpenServices != 2 {
			return errors.Join(err, fmt.Errorf("status is %+v", host.Status))
		}
		return nil
	})
}

// TestARefusalIsToldThoughNoRunIsNeeded: what a refused Service changes is the
// status of hosts only.
func TestARefusalIsToldThoughNoRunIsNeeded(t *testing.T) {
	s := openEdge(t, "gw1")
	operator := startOperator(t)
	s.service("good", []string{"203.0.113.10"})
	s.awaitOpen("good", "1 of 1 gateway hosts")
	runs := operator.runner.total()
	s.service("outside", []string{"192.0.2.99"})
	s.awaitClosed("outside", "AddressNotAllowed")
	await(t, "host and gateway to count the refusal", func() error {
		host, err := hostOf(t, edge, "gw1")
		if err != nil || host.Status.RefusedServices != 1 {
			return errors.Join(err, fmt.Errorf("status is %+v", host.Status))
		}
		if gateway := awaitProgrammed(t, edge); gateway.Status.RefusedServices != 1 {
			return fmt.Errorf("status is %+v", gateway.Status)
		}
		return nil
	})
	if operator.runner.total() != runs {
		t.Error("a refused Service caused a run")
	}
}

func TestAServiceThatIsNoLongerSelectedLosesTheCondition(t *testing.T) {
	s := openShop(t)
	create(t, secret())
	gateway := s.gateway(edge, "gw1")
	gateway.Spec.Services.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"expose": "yes"}}
	createGateway(t, gateway)
	// A gateway that cannot act must not keep what is no longer true.
	createGateway(t, s.gateway("latecomer", "gw1"))
	operator := startOperator(t)
	exposed := func(service *corev1.Service) { service.Labels = map[string]string{"expose": "yes"} }
	for name, address := range map[string]string{"unlabelled": "203.0.113.10", "internal": "203.0.113.11", "open": "203.0.113.12"} {
		s.service(name, []string{address}, exposed)
		s.awaitOpen(name, "1 of 1 gateway hosts")
	}

	s.update("unlabelled", func(service *corev1.Service) { service.Labels = nil })
	s.awaitNoCondition("unlabelled")
	s.awaitEvent("unlabelled", corev1.EventTypeNormal, "Withdrawn")
	s.update("internal", func(service *corev1.Service) { service.Spec.Type = corev1.ServiceTypeClusterIP })
	s.awaitNoCondition("internal")
	await(t, "the host to keep one opening", func() error {
		if exposures := operator.runner.last("gw1").Vars.Exposures.IPv4; len(exposures) != 1 {
			return fmt.Errorf("it is to open %+v", exposures)
		}
		return nil
	})
	s.awaitOpen("open", "1 of 1 gateway hosts")
}

// TestAConditionThatSomebodyElseChangesIsRestored: other controllers write the
// same status, and some of them write all of it.
func TestAConditionThatSomebodyElseChangesIsRestored(t *testing.T) {
	s := openEdge(t, "gw1")
	startOperator(t)
	s.service("web", []string{"203.0.113.10"})
	s.awaitOpen("web", "1 of 1 gateway hosts")
	var service corev1.Service
	if err := the.api.Get(t.Context(), client.ObjectKey{Namespace: s.name, Name: "web"}, &service); err != nil {
		t.Fatal(err)
	}
	service.Status.Conditions = nil
	if err := the.api.Status().Update(t.Context(), &service); err != nil {
		t.Fatal(err)
	}
	s.awaitOpen("web", "1 of 1 gateway hosts")
}
