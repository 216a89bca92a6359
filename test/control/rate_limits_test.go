package control

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
)

const (
	prefixed = "nft-operator.io/rate-limit"
	ancestor = "ratelimit"
)

// asking adds annotations, given as name, text, name, text.
func asking(pairs ...string) edit {
	return func(service *corev1.Service) {
		if service.Annotations == nil {
			service.Annotations = map[string]string{}
		}
		for i := 0; i < len(pairs); i += 2 {
			service.Annotations[pairs[i]] = pairs[i+1]
		}
	}
}

// openLimited is a shop whose gateway limits.
func openLimited(t *testing.T, limiting v1alpha1.RateLimiting, hosts ...string) *shop {
	t.Helper()
	s := openShop(t)
	create(t, secret())
	gateway := s.gateway(edge, hosts...)
	gateway.Spec.RateLimiting = limiting
	createGateway(t, gateway)
	return s
}

// askedOf is what a host was last asked to hold a Service to; nil for nothing.
func (s *shop) askedOf(operator *operator, host, service string) *ansible.ServiceLimitVars {
	for _, limits := range operator.runner.last(host).Vars.Limits.Services {
		if limits.Service == s.name+"/"+service {
			return &limits
		}
	}
	return nil
}

// awaitRate waits until a host was asked to hold a Service to a rate of bytes a
// second; 0 for none.
func (s *shop) awaitRate(operator *operator, host, service string, rate uint64) {
	s.t.Helper()
	await(s.t, fmt.Sprintf("%s to hold %s to %d bytes/second", host, service, rate), func() error {
		asked := s.askedOf(operator, host, service)
		if asked == nil && rate == 0 || asked != nil && asked.Rate != nil && asked.Rate.Amount == rate && asked.Rate.Unit == "bytes" {
			return nil
		}
		return fmt.Errorf("it was asked for %+v", asked)
	})
}

// awaitEvents waits until a Service has so many Events of a reason, and no less
// or more.
func (s *shop) awaitEvents(service, reason string, count int) {
	s.t.Helper()
	await(s.t, fmt.Sprintf("%s to have %d Events %s", service, count, reason), func() error {
		events, err := s.eventsOf(service)
		if got := countOf(events, reason); err != nil || got != count {
			return errors.Join(err, fmt.Errorf("it has %d: %+v", got, events))
		}
		return nil
	})
}

const (
	mbit = 1000 * 1000 / 8
	// ownRate is the default of the gateway of badInput.
	ownRate = 1 * mbit
)

// badInput is what tenants write, and what becomes of it.
var badInput = []struct {
	name        string
	annotations []string
	// rate in bytes a second; ownRate where the text cannot be read.
	rate uint64
	// event is the reason of the Event, empty where there is none, and told what
	// is in its text.
	event, told string
}{
	{"no-period", []string{prefixed, "2 mbytes"}, ownRate, "RateLimitInvalid", `annotation nft-operator.io/rate-limit: at column 9: a period is missing, such as "/second": write for example "16mbit burst 256 kbytes"`},
	{"negative", []string{ancestor, "-5 mbit"}, ownRate, "RateLimitInvalid", `annotation ratelimit: at column 1: "-" has no place here: write for example`},
	{"exponent", []string{prefixed, "1e99 gbit"}, ownRate, "RateLimitInvalid", `at column 2: exponents are not read; all digits must be written out: write for example`},
	{"nft", []string{ancestor, "2 mbytes/second; drop"}, ownRate, "RateLimitInvalid", `at column 16: ";" has no place here: write for example`},
	{"jinja", []string{ancestor, "{{ 7*7 }}"}, ownRate, "RateLimitInvalid", `at column 1: "{" has no place here: write for example`},
	{"empty", []string{prefixed, ""}, ownRate, "RateLimitInvalid", `at column 1: a rate starts with a number: write for example`},
	{"long", []string{prefixed, strings.Repeat("1", 64<<10)}, ownRate, "RateLimitInvalid", `at column 129: more than 128 bytes are not read: write for example`},
	{"word-in-another-case", []string{prefixed, "16 MBIT"}, 16 * mbit, "", ""},
	{"symbol-in-another-case", []string{prefixed, "10 mb/s"}, ownRate, "RateLimitInvalid", `at column 4: "mb" may mean bits or bytes; bits are "Mbit/s", bytes are "MB/s": write for example`},
	{"disagreement", []string{ancestor, "2mbit", prefixed, "16mbit"}, 16 * mbit, "RateLimitDisagreement", `annotation ratelimit: it says "2 mbit/second burst 64 kbytes"; nft-operator.io/rate-limit counts, with "16 mbit/second burst 500000 bytes"`},
	{"disagreement-with-a-bad-one", []string{ancestor, "2 mbytes", prefixed, "16mbit"}, 16 * mbit, "RateLimitDisagreement", `annotation ratelimit: at column 9: a period is missing`},
	{"prefixed-is-the-bad-one", []string{ancestor, "2mbit", prefixed, "16 mbytes"}, ownRate, "RateLimitInvalid", `annotation nft-operator.io/rate-limit: at column 10: a period is missing`},
	{"under-a-packet", []string{prefixed, "30 packets/minute"}, ownRate, "RateLimitInvalid", `at column 1: the rate is under one packet a second: write for example "400 packets/second burst 40 packets"`},
	{"under-a-packet-in-bits", []string{prefixed, "11kbit"}, ownRate, "RateLimitInvalid", `at column 1: the rate is under 12kbit, one full packet a second: write for example`},
	{"above-the-link", []string{prefixed, "100 gbit"}, 100000 * mbit, "", ""},
	{"above-all-links", []string{prefixed, "400 gbit"}, ownRate, "RateLimitInvalid", `at column 1: the rate is over 100gbit: write for example`},
}

// TestBadRateLimitsHarmNobodyElse writes what no policy kept out: each bad text
// has its own answer, and those beside it see no difference.
func TestBadRateLimitsHarmNobodyElse(t *testing.T) {
	s := openLimited(t, v1alpha1.RateLimiting{Default: "1mbit"}, "gw1")
	operator := startOperator(t)
	s.service("good", []string{"203.0.113.9"}, asking(prefixed, "32mbit"))
	s.awaitRate(operator, "gw1", "good", 32*mbit)
	for i, row := range badInput {
		s.service(row.name, []string{fmt.Sprintf("203.0.113.%d", 10+i)}, asking(row.annotations...))
	}
	for _, row := range badInput {
		s.awaitOpen(row.name, "1 of 1 gateway hosts")
		s.awaitRate(operator, "gw1", row.name, row.rate)
		if row.event != "" {
			if event := s.awaitEvent(row.name, corev1.EventTypeWarning, row.event); !strings.Contains(event.Note, row.told) || len(event.Note) > 1000 {
				t.Errorf("%s: the Event says %q", row.name, event.Note)
			}
		}
	}
	s.awaitRate(operator, "gw1", "good", 32*mbit)
	wantTypedLimits(t, operator)

	editEdge(t, func(gateway *v1alpha1.NftGateway) { gateway.Spec.RateLimiting.OnInvalid = v1alpha1.OnInvalidClosed })
	for _, row := range badInput {
		if row.event != "RateLimitInvalid" {
			s.awaitOpen(row.name, "1 of 1 gateway hosts")
			s.awaitRate(operator, "gw1", row.name, row.rate)
			continue
		}
		if condition := s.awaitClosed(row.name, "InvalidRateLimit"); !strings.Contains(condition.Message, row.told) {
			t.Errorf("%s: the condition says %q", row.name, condition.Message)
		}
		s.awaitEvent(row.name, corev1.EventTypeWarning, "InvalidRateLimit")
		s.awaitRate(operator, "gw1", row.name, 0)
	}
	s.awaitOpen("good", "1 of 1 gateway hosts")
	events, err := s.eventsOf("good")
	if err != nil || len(events) != 1 {
		t.Errorf("the good one was told %+v, %v", events, err)
	}
}

// wantTypedLimits fails where a run holds more of a limit than its numbers.
func wantTypedLimits(t *testing.T, operator *operator) {
	t.Helper()
	for _, run := range operator.runner.all("gw1") {
		text := fmt.Sprintf("%+v", run.Vars)
		for _, trace := range []string{"drop;", "{{", "7*7", "mbytes", "11111111"} {
			if strings.Contains(text, trace) {
				t.Errorf("a run was given %q", trace)
			}
		}
	}
}

// TestANoticeIsToldOnceForEachChange, and not for each reconcile or restart.
func TestANoticeIsToldOnceForEachChange(t *testing.T) {
	s := openLimited(t, v1alpha1.RateLimiting{}, "gw1")
	first := startOperator(t)
	s.service("web", []string{"203.0.113.10"}, asking(ancestor, "2 mbytes"))
	s.awaitOpen("web", "1 of 1 gateway hosts")
	s.awaitEvents("web", "RateLimitInvalid", 1)

	s.update("web", func(service *corev1.Service) { service.Spec.Ports[0].Port = 81 })
	s.awaitOpen("web", "1 of 1 gateway hosts: 203.0.113.10 tcp/81")
	first.stop()
	second := startOperator(t, withBoxes(first.runner.boxes))
	s.service("other", []string{"203.0.113.11"})
	s.awaitOpen("other", "1 of 1 gateway hosts")
	s.awaitEvents("web", "RateLimitInvalid", 1)

	s.update("web", asking(ancestor, "2 mbytes/day/night"))
	s.awaitEvents("web", "RateLimitInvalid", 2)
	s.update("web", asking(ancestor, "2 mbytes/second"))
	s.awaitRate(second, "gw1", "web", 2<<20)
	await(t, "the notice to be gone, and the limit to be told", func() error {
		condition, err := s.conditionOf("web")
		if err == nil && condition.Message != "open on 1 of 1 gateway hosts: 203.0.113.10 tcp/81; limited to 2 mbytes/second burst 512 kbytes" {
			err = fmt.Errorf("condition is %+v", condition)
		}
		return err
	})
	s.awaitEvents("web", "RateLimitInvalid", 2)
}

func TestWishesAreBoundedByMax(t *testing.T) {
	s := openLimited(t, v1alpha1.RateLimiting{}, "gw1", "gw2")
	operator := startOperator(t)
	s.service("greedy", []string{"203.0.113.10"}, asking(prefixed, "1gbit", "nft-operator.io/connection-limit", "20"))
	s.service("modest", []string{"203.0.113.11"}, asking(prefixed, "1mbit"))
	s.service("silent", []string{"203.0.113.12"})
	for _, host := range []string{"gw1", "gw2"} {
		s.awaitRate(operator, host, "greedy", 1000*mbit)
		s.awaitRate(operator, host, "silent", 0)
	}
	awaitProgrammed(t, edge)
	structure := operator.runner.last("gw1").Targets[0].Structure

	editEdge(t, func(gateway *v1alpha1.NftGateway) { gateway.Spec.RateLimiting.Max = "16mbit" })
	for _, host := range []string{"gw1", "gw2"} {
		s.awaitRate(operator, host, "greedy", 16*mbit)
		s.awaitRate(operator, host, "modest", 1*mbit)
		s.awaitRate(operator, host, "silent", 16*mbit)
		if asked := s.askedOf(operator, host, "greedy"); asked.ConnectionLimit != 20 {
			t.Errorf("%s was asked for %+v: max is about nothing but rates", host, asked)
		}
		if target := operator.runner.last(host).Targets[0]; target.Structure != structure || target.Hold {
			t.Errorf("%s: limits are rolled out like a change of the firewall: %+v", host, target)
		}
	}
	if event := s.awaitEvent("greedy", corev1.EventTypeWarning, "RateLimitBounded"); !strings.Contains(event.Note,
		"it asks for 1 gbit/second burst 31250000 bytes, and the gateway's spec.rateLimiting.max leaves it 16 mbit/second burst 500000 bytes") {
		t.Errorf("the Event says %q", event.Note)
	}
	s.awaitEvents("modest", "RateLimitBounded", 0)
	s.awaitEvents("silent", "RateLimitBounded", 0)
}

// TestBadTextOfAGatewayIsNotAccepted, with its place; what runs stays.
func TestBadTextOfAGatewayIsNotAccepted(t *testing.T) {
	s := openLimited(t, v1alpha1.RateLimiting{Default: "16mbit"}, "gw1")
	operator := startOperator(t)
	s.service("web", []string{"203.0.113.10"})
	s.awaitRate(operator, "gw1", "web", 16*mbit)
	awaitProgrammed(t, edge)
	runs := operator.runner.total()
	for _, test := range []struct {
		limiting v1alpha1.RateLimiting
		told     string
	}{
		{v1alpha1.RateLimiting{Default: "2 mbytes"}, `spec.rateLimiting.default: at column 9: a period is missing, such as "/second": write for example "16mbit burst 256 kbytes"`},
		{v1alpha1.RateLimiting{Max: "16mbit; drop"}, `spec.rateLimiting.max: at column 7: ";" has no place here: write for example "16mbit burst 256 kbytes"`},
	} {
		editEdge(t, func(gateway *v1alpha1.NftGateway) { gateway.Spec.RateLimiting = test.limiting })
		await(t, "the gateway to say so", func() error {
			gateway := awaitGateway(t, edge, v1alpha1.ConditionAccepted, metav1.ConditionFalse, "InvalidSpec")
			if message := gateway.Status.Conditions[0].Message; message != test.told {
				return fmt.Errorf("it says %q", message)
			}
			return nil
		})
		awaitHost(t, edge, "gw1", v1alpha1.ConditionAccepted, metav1.ConditionFalse, "InvalidSpec")
	}
	if operator.runner.total() != runs {
		t.Error("a spec that makes no sense caused a run")
	}
	editEdge(t, func(gateway *v1alpha1.NftGateway) { gateway.Spec.RateLimiting = v1alpha1.RateLimiting{Max: "8mbit"} })
	s.awaitRate(operator, "gw1", "web", 8*mbit)
	awaitProgrammed(t, edge)
}

// TestAHostThatCannotKeepLimitsSaysSo, and the Service that it is about, too.
func TestAHostThatCannotKeepLimitsSaysSo(t *testing.T) {
	s := openEdge(t, "gw1", "gw2")
	operator := startOperator(t)
	s.service("web", []string{"203.0.113.10"})
	s.awaitOpen("web", "2 of 2 gateway hosts")
	operator.runner.on("gw2", fail(ansible.ReasonLimitsUnsupported))
	s.update("web", asking(prefixed, "16mbit"))
	awaitHost(t, edge, "gw2", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "LimitsUnsupported")
	awaitHost(t, edge, "gw2", v1alpha1.ConditionReachable, metav1.ConditionTrue, "LoggedIn")
	await(t, "web to be told", func() error {
		condition, err := s.conditionOf("web")
		if err == nil && (condition.Reason != "HostNotProgrammed" || condition.Message != "open as asked on 1 of 2 gateway hosts; edge.gw2: LimitsUnsupported") {
			err = fmt.Errorf("condition is %+v", condition)
		}
		return err
	})
	s.update("web", func(service *corev1.Service) { service.Annotations = nil })
	s.awaitOpen("web", "2 of 2 gateway hosts: 203.0.113.10 tcp/80")
}
