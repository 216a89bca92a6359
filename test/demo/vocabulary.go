package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/test/lab"
)

// throughEach tells a part of the story through each gateway.
func (s *story) throughEach(part func()) error {
	defer func() { s.by = s.net.Gateways[0] }()
	for _, gateway := range s.net.Gateways {
		if err := s.net.Via(gateway); err != nil {
			return err
		}
		s.by = gateway
		part()
	}
	return s.net.Via(s.net.Gateways[0])
}

// introduce creates a Service and shows it.
func (s *story) introduce(ctx context.Context, wanted service) error {
	var ports []string
	for _, port := range wanted.ports {
		ports = append(ports, fmt.Sprintf("%s %d", strings.ToLower(string(port.Protocol)), port.Port))
	}
	text := fmt.Sprintf("Service %s: address %s, port %s", wanted.name,
		strings.ReplaceAll(wanted.addresses, ",", " and "), strings.Join(ports, " and "))
	if wanted.sources != nil {
		text += ", loadBalancerSourceRanges " + strings.Join(wanted.sources, " and ")
	}
	s.say("%s", text)
	return s.create(ctx, wanted)
}

func (s *story) expectOpen(from visitor, doors ...door) {
	s.expect(fmt.Sprintf("through %s: open for %s: %s", s.by.Name, from.name, texts(doors)), s.open(from, doors))
}

func (s *story) expectClosed(from visitor, doors ...door) {
	s.expect(fmt.Sprintf("through %s: closed for %s: %s", s.by.Name, from.name, texts(doors)), s.closed(from, doors))
}

// expectOpened expects the operator to tell the Service that it is open.
func (s *story) expectOpened(ctx context.Context, name string) {
	s.expect(fmt.Sprintf("Service %s is told that it is open", name), func() error {
		_, err := s.reported(ctx, name, metav1.ConditionTrue, "Open")
		return err
	})
}

// expectInPod expects that who knocks is answered by the Pod, and that the Pod
// sees the visitor's own address.
func (s *story) expectInPod(ctx context.Context, doors []door, from visitor) {
	for _, door := range doors {
		line := fmt.Sprintf("%s/%d from %s", door.protocol, door.at.Port(), from.Like(door.at.Addr()))
		s.expect(fmt.Sprintf("%s leads to the Pod, kubectl logs: %s", door, line), func() error {
			return await(ctx, func() error {
				if err := s.knockOn(from, door); err != nil { // kube-proxy may be a second late
					return err
				}
				log, err := s.kube.Kubectl(ctx, "--namespace", namespace, "logs", "deployment/"+podName)
				if err == nil && !strings.Contains(log, line+"\n") {
					err = fmt.Errorf("the Pod's log has no such line:\n%s", log)
				}
				return err
			})
		})
	}
}

// expectRefused expects the operator to tell the Service why it stays closed,
// and shows what it says.
func (s *story) expectRefused(ctx context.Context, name, reason string) {
	var condition metav1.Condition
	told := s.expect(fmt.Sprintf("Service %s is told that it is refused: %s", name, reason), func() (err error) {
		condition, err = s.reported(ctx, name, metav1.ConditionFalse, reason)
		return err
	})
	if told {
		s.quote(fmt.Sprintf("condition  %s=%s  %s\n%s", condition.Type, condition.Status, condition.Reason, condition.Message))
	}
	var events string
	told = s.expect("an Event tells it too", func() (err error) {
		events, err = s.eventsOf(ctx, name)
		if err == nil && !strings.Contains(events, reason) {
			err = errors.New(events)
		}
		return err
	})
	if told {
		s.quote(events)
	}
}

// expectBroken expects the operator to tell where a gateway's local chain is
// broken, and shows what it says.
func (s *story) expectBroken(ctx context.Context, on *lab.Gateway, where string) {
	var condition metav1.Condition
	told := s.expect(fmt.Sprintf("the operator tells what is wrong on %s, and where", on.Name), func() (err error) {
		condition, err = s.degraded(ctx, on, metav1.ConditionTrue, "LocalChainBroken")
		if err == nil && !strings.Contains(condition.Message, where) {
			err = errors.New(condition.Message)
		}
		return err
	})
	if told {
		s.quote(condition.Message)
	}
}

// awaitOpen awaits that doors open.
func (w *world) awaitOpen(ctx context.Context, from visitor, doors ...door) error {
	return await(ctx, w.knockOnAll(from, doors, closedPatience, func(knock error) error { return knock }))
}
