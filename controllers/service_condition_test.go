package controllers

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/internal/plan"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

func TestServiceCondition(t *testing.T) {
	refused := []plan.Refusal{{Service: web, Reason: plan.InvalidSourceRange, Message: `"10.0.0.0/33" is not a range`}}
	invalid := []plan.Notice{{Service: web, Reason: plan.RateLimitInvalid, Message: "annotation ratelimit: at column 1: no"}}
	bounded := append(invalid, plan.Notice{Service: web, Reason: plan.RateLimitBounded, Message: "it asks for too much"})
	limits := ratelimit.Limits{ConnectionLimit: 20}
	open := []plan.Exposure{opens(web, 80, "198.51.100.0/24")}
	for name, test := range map[string]struct {
		standings []Standing
		status    metav1.ConditionStatus
		reason    string
		message   string
		unsettled bool
	}{
		"open everywhere": {
			[]Standing{{Host: gw1, Exposures: open, Enforced: true, Attempted: true}, {Host: gw2, Exposures: open, Enforced: true, Attempted: true}},
			metav1.ConditionTrue, "Open", "open on 2 of 2 gateway hosts: 203.0.113.10 tcp/80 for 1 source ranges", false,
		},
		"limited": {
			[]Standing{{Host: gw1, Exposures: open, Limits: limits, Enforced: true, Attempted: true}},
			metav1.ConditionTrue, "Open", "open on 1 of 1 gateway hosts: 203.0.113.10 tcp/80 for 1 source ranges; limited to 20 connections at one time for each client", false,
		},
		"open, but noticed, once for all gateways": {
			[]Standing{{Host: gw1, Exposures: open, Notices: invalid, Enforced: true, Attempted: true}, {Host: gw2, Exposures: open, Notices: bounded, Enforced: true, Attempted: true}},
			metav1.ConditionTrue, "Open", "open on 2 of 2 gateway hosts: 203.0.113.10 tcp/80 for 1 source ranges\n" +
				"RateLimitInvalid: annotation ratelimit: at column 1: no\nRateLimitBounded: it asks for too much", false,
		},
		"noticed on its way": {
			[]Standing{{Host: gw1, Exposures: open, Notices: invalid, Attempted: true}},
			metav1.ConditionFalse, "Pending", "open as asked on 0 of 1 gateway hosts, the others are on their way\nRateLimitInvalid: annotation ratelimit: at column 1: no", false,
		},
		"one host fails": {
			[]Standing{{Host: gw1, Exposures: open, Enforced: true, Attempted: true}, {Host: gw2, Exposures: open, Attempted: true, Problem: "ConnectionTimeout"}},
			metav1.ConditionFalse, "HostNotProgrammed", "open as asked on 1 of 2 gateway hosts; edge.gw2: ConnectionTimeout", false,
		},
		"a host that fails, but enforces this Service already": {
			[]Standing{{Host: gw1, Exposures: open, Enforced: true, Attempted: true, Problem: "ConnectionTimeout"}},
			metav1.ConditionTrue, "Open", "open on 1 of 1 gateway hosts: 203.0.113.10 tcp/80 for 1 source ranges", false,
		},
		"on its way": {
			[]Standing{{Host: gw1, Exposures: open, Attempted: true}},
			metav1.ConditionFalse, "Pending", "open as asked on 0 of 1 gateway hosts, the others are on their way", false,
		},
		"not tried since the start": {
			[]Standing{{Host: gw1, Exposures: open}},
			metav1.ConditionFalse, "Pending", "open as asked on 0 of 1 gateway hosts, the others are on their way", true,
		},
		"refused as a whole": {
			[]Standing{{Host: gw1, Refusals: refused}},
			metav1.ConditionFalse, "InvalidSourceRange", `"10.0.0.0/33" is not a range`, false,
		},
		"refused in part": {
			[]Standing{{Host: gw1, Exposures: open, Refusals: append(refused, refused...), Enforced: true, Attempted: true}},
			metav1.ConditionFalse, "InvalidSourceRange", `"10.0.0.0/33" is not a range (and 1 more); the rest of the service is open on 1 of 1 gateway hosts`, false,
		},
		"refused, but an unreachable host still has it open": {
			[]Standing{{Host: gw1, Refusals: refused, Enforced: true, Attempted: true}, {Host: gw2, Refusals: refused, Leftover: 1, Attempted: true, Problem: "ConnectionTimeout"}},
			metav1.ConditionFalse, "InvalidSourceRange", `"10.0.0.0/33" is not a range; edge.gw2 still has it open: ConnectionTimeout`, false,
		},
		"named no more, but an unreachable host still has it open": {
			[]Standing{{Host: gw2, Leftover: 1, Attempted: true, Problem: "ConnectionTimeout"}},
			metav1.ConditionFalse, "HostNotProgrammed", "no NftGateway names this service any more, but edge.gw2 still has it open: ConnectionTimeout", false,
		},
		"being closed": {
			[]Standing{{Host: gw1, Leftover: 1, Attempted: true}},
			metav1.ConditionFalse, "Pending", "no NftGateway names this service any more, it is being closed", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			condition, settled := serviceCondition(3, test.standings)
			if condition.Status != test.status || condition.Reason != test.reason || condition.Message != test.message {
				t.Errorf("got %s %s %q", condition.Status, condition.Reason, condition.Message)
			}
			if settled == test.unsettled || condition.ObservedGeneration != 3 {
				t.Errorf("settled %v, generation %d", settled, condition.ObservedGeneration)
			}
		})
	}
}

func TestMessagesAreBounded(t *testing.T) {
	var many []plan.Exposure
	for port := range uint16(100) {
		many = append(many, opens(web, port+1))
	}
	condition, _ := serviceCondition(1, []Standing{{Host: gw1, Exposures: many, Enforced: true, Attempted: true}})
	if len(condition.Message) > 1000 || !strings.HasSuffix(condition.Message, "and 92 more") {
		t.Errorf("message of %d bytes: %s", len(condition.Message), condition.Message)
	}
}
