package control

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
)

// otherwise is well over what a Service takes to open on a healthy host, and
// well under the pause of one that failed.
const otherwise = 5 * time.Second

func TestAHostThatFailsOrHangsDelaysNoOther(t *testing.T) {
	for name, test := range map[string]struct {
		act    act
		reason string
	}{
		"fails":     {fail(ansible.ReasonNftMissing), "NftMissing"},
		"times out": {timeOut, "RunTimeout"},
		"hangs":     {hang, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := openEdge(t, "gw1", "gw2")
			operator := startOperator(t)
			if test.reason == "" { // the others would rather wait to see what it does to the first of them
				awaitProgrammed(t, edge)
			}
			operator.runner.on("gw1", test.act)
			began := time.Now()
			for number := range 3 {
				service := fmt.Sprintf("web-%d", number)
				s.service(service, []string{fmt.Sprintf("203.0.113.%d", number+1)})
				await(t, "gw2 to open "+service, func() error {
					if exposures := operator.runner.last("gw2").Vars.Exposures.IPv4; len(exposures) != number+1 {
						return fmt.Errorf("it opens %+v", exposures)
					}
					return nil
				})
			}
			awaitHost(t, edge, "gw2", v1alpha1.ConditionProgrammed, metav1.ConditionTrue, "Programmed")
			if took := time.Since(began); took > otherwise {
				t.Errorf("it took the healthy host %s", took)
			}
			if test.reason == "" {
				return
			}
			awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, test.reason)
			awaitGateway(t, edge, v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "HostNotProgrammed")
			condition := s.awaitClosed("web-0", "HostNotProgrammed")
			if want := "open as asked on 1 of 2 gateway hosts; edge.gw1: " + test.reason; condition.Message != want {
				t.Errorf("the Service is told %q, want %q", condition.Message, want)
			}
		})
	}
}

func TestReachableSaysWhoCouldLogIn(t *testing.T) {
	for reason, want := range map[ansible.Reason]struct {
		status metav1.ConditionStatus
		reason string
	}{
		ansible.ReasonHostKeyChanged:  {metav1.ConditionFalse, "HostKeyChanged"},
		ansible.ReasonSudoRefused:     {metav1.ConditionTrue, "LoggedIn"},
		ansible.ReasonRulesetRejected: {metav1.ConditionTrue, "LoggedIn"},
		ansible.ReasonRunnerFailed:    {metav1.ConditionUnknown, "RunnerFailed"},
	} {
		t.Run(string(reason), func(t *testing.T) {
			openEdge(t, "gw1")
			operator := startOperator(t)
			operator.runner.on("gw1", fail(reason))
			awaitHost(t, edge, "gw1", v1alpha1.ConditionReachable, want.status, want.reason)
			awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, string(reason))
		})
	}
}

// TestAFailingHostBacksOff: after three failures the next attempt is four
// seconds away. Services do not bring it nearer; what may mend the host does.
func TestAFailingHostBacksOff(t *testing.T) {
	s := openEdge(t, "gw1", "gw2")
	operator := startOperator(t)
	operator.runner.on("gw1", fail(ansible.ReasonSudoRefused))
	awaitRuns := func(count int) time.Time {
		t.Helper()
		await(t, fmt.Sprintf("run %d on gw1", count), func() error {
			if runs := operator.runner.count("gw1"); runs < count {
				return fmt.Errorf("there were %d", runs)
			}
			return nil
		})
		return time.Now()
	}
	first := awaitRuns(1)
	third := awaitRuns(3)
	if pauses := third.Sub(first); pauses < 3*time.Second-100*time.Millisecond {
		t.Errorf("three attempts took %s, want a second and two between them", pauses)
	}

	s.service("web", []string{"203.0.113.10"})
	await(t, "the failing host to learn of the Service", func() error {
		host, err := hostOf(t, edge, "gw1")
		if err != nil || host.Status.OpenServices != 1 {
			return errors.Join(err, fmt.Errorf("status is %+v", host.Status))
		}
		return nil
	})
	if runs := operator.runner.count("gw1"); runs != 3 {
		t.Errorf("a Service made a failing host try: %d runs", runs)
	}

	otherKey, err := lab.NewKey("rotated")
	if err != nil {
		t.Fatal(err)
	}
	rotated := secret()
	rotated.Data["ssh-privatekey"] = otherKey.Private
	if err := the.api.Update(t.Context(), rotated); err != nil {
		t.Fatal(err)
	}
	if took := awaitRuns(4).Sub(third); took > 3*time.Second {
		t.Errorf("the rotated key was tried after %s", took)
	}
	fourth := time.Now()
	operator.runner.on("gw1", nil)
	editEdge(t, func(gateway *v1alpha1.NftGateway) { gateway.Spec.SSH.User = "nftop" })
	if took := awaitRuns(5).Sub(fourth); took > 900*time.Millisecond {
		t.Errorf("the edited spec was tried after %s", took)
	}
	if user := operator.runner.last("gw1").Targets[0].User; user != "nftop" {
		t.Errorf("the run logs in as %q", user)
	}
	s.awaitOpen("web", "2 of 2 gateway hosts")
}

// TestADeadHostHoldsNoSlot: a host that does not answer is not worth a run.
func TestADeadHostHoldsNoSlot(t *testing.T) {
	openEdge(t, "gw1")
	operator := startOperator(t)
	operator.probe.answer(ansible.ReasonConnectionTimeout)
	awaitHost(t, edge, "gw1", v1alpha1.ConditionReachable, metav1.ConditionFalse, "ConnectionTimeout")
	if operator.runner.total() > 0 {
		t.Error("a run was begun on a host that does not answer")
	}
	operator.probe.answer("")
	awaitProgrammed(t, edge)
}

// TestAReportThatCannotBeIsNotBelieved: not even when it says that all is well.
func TestAReportThatCannotBeIsNotBelieved(t *testing.T) {
	for name, lie := range map[string]func(*ansible.Outcome){
		"of another revision":          func(outcome *ansible.Outcome) { outcome.Revision = "r0" },
		"of another structure":         func(outcome *ansible.Outcome) { outcome.Structure = "s0" },
		"of a hold that nobody wanted": func(outcome *ansible.Outcome) { outcome.Structure, outcome.Held = "s0", ansible.HeldAsAsked },
	} {
		t.Run(name, func(t *testing.T) {
			s := openEdge(t, "gw1")
			operator := startOperator(t)
			operator.runner.on("gw1", func(ctx context.Context, target ansible.Target) (ansible.Report, error) {
				report, err := operator.runner.succeed(ctx, target)
				lie(&report.Outcome)
				return report, err
			})
			s.service("web", []string{"203.0.113.10"})
			awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RunnerFailed")
			s.awaitClosed("web", "HostNotProgrammed")
		})
	}
}
