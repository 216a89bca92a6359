package control

import (
	"fmt"
	"strings"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
)

// confirmTimeout is the shortest that there is.
const confirmTimeout = 5 * time.Second

// askAgain changes the annotation by which a person has the hosts looked at.
func askAgain(t *testing.T, value string) {
	t.Helper()
	editEdge(t, func(gateway *v1alpha1.NftGateway) {
		gateway.Annotations = map[string]string{v1alpha1.AnnotationCheck: value}
	})
}

// tries is the number of changes of structure that a host tried.
func tries(o *operator, host string) (count int) {
	o.runner.boxes.on(host, func(host *box) { count = host.tried })
	return count
}

// awaitRollbacks waits until a host has had so many Events of a rollback.
func awaitRollbacks(t *testing.T, host *v1alpha1.NftGatewayHost, count int) {
	t.Helper()
	await(t, fmt.Sprintf("%d Events RolledBack", count), func() error {
		events, err := eventsAbout(t, host)
		if err != nil {
			return err
		}
		if got := countOf(events, "RolledBack"); got != count {
			return fmt.Errorf("there are %d: %+v", got, events)
		}
		return nil
	})
}

// countOf counts Events; one that is repeated is kept as a series.
func countOf(events []eventsv1.Event, reason string) int {
	count := 0
	for _, event := range events {
		if event.Reason != reason {
			continue
		}
		if count++; event.Series != nil {
			count += int(event.Series.Count) - 1
		}
	}
	return count
}

// TestACanaryThatRollsBackStopsTheRollout until a person acts.
func TestACanaryThatRollsBackStopsTheRollout(t *testing.T) {
	s, operator := startRollout(t, 2, "gw1", "gw2", "gw3")
	cutOff := func(is bool) { operator.runner.boxes.on("gw1", func(host *box) { host.cutOff = is }) }
	cutOff(true)
	before := tries(operator, "gw1")
	counter := counted(t, "nft_operator_host_rollbacks_total", "gw1")
	changeFirewall(t, 20)
	awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "NotConfirmed")
	awaitHost(t, edge, "gw1", v1alpha1.ConditionReachable, metav1.ConditionFalse, "NotConfirmed")
	began := time.Now()
	for _, host := range []string{"gw2", "gw3"} {
		stopped := awaitHost(t, edge, host, v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolloutStopped")
		if message := whyNot(stopped); !strings.Contains(message, "gw1 took the change back") {
			t.Errorf("%s is told %q", host, message)
		}
	}
	s.service("web", []string{"203.0.113.10"})
	host := awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolledBack")
	if took := time.Since(began); took < confirmTimeout-500*time.Millisecond {
		t.Errorf("the host was tried again after %s", took)
	}
	for _, advice := range []string{"local-chain.nft", v1alpha1.AnnotationCheck, "took it back at 20"} {
		if message := whyNot(host); !strings.Contains(message, advice) {
			t.Errorf("%q is not in %q", advice, message)
		}
	}
	awaitHost(t, edge, "gw1", v1alpha1.ConditionDegraded, metav1.ConditionTrue, "RolledBack")
	awaitGateway(t, edge, v1alpha1.ConditionDegraded, metav1.ConditionTrue, "HostDegraded")
	back := host.Status.LastRollback
	if back == nil || back.Time == nil || back.Structure == host.Status.AppliedStructure || back.Revision == host.Status.AppliedRevision {
		t.Errorf("status is %+v", host.Status)
	}
	s.awaitOpen("web", "3 of 3 gateway hosts")
	s.service("dns", []string{"203.0.113.11"}) // another revision, the same structure
	s.awaitOpen("dns", "3 of 3 gateway hosts")
	awaitRollbacks(t, host, 1)
	if got := tries(operator, "gw1") - before; got != 1 {
		t.Errorf("gw1 tried the change %d times", got)
	}

	askAgain(t, "1")
	awaitRollbacks(t, awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolledBack"), 2)
	if got := tries(operator, "gw1") - before; got != 2 {
		t.Errorf("gw1 tried the change %d times", got)
	}
	for _, name := range []string{"gw2", "gw3"} {
		awaitHost(t, edge, name, v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolloutStopped")
		if tries(operator, name) != 1 {
			t.Errorf("%s tried the change", name)
		}
	}

	cutOff(false)
	askAgain(t, "2")
	awaitProgrammed(t, edge)
	awaitHost(t, edge, "gw1", v1alpha1.ConditionDegraded, metav1.ConditionFalse, "AsIntended")
	retried := 0
	for _, run := range operator.runner.all("gw1") {
		if run.Targets[0].Retry {
			retried++
		}
	}
	if retried != 2 {
		t.Errorf("%d runs were to try again, two were asked for", retried)
	}
	awaitRollbacks(t, host, 2)
	if got := counted(t, "nft_operator_host_rollbacks_total", "gw1") - counter; got != 2 {
		t.Errorf("the metric counts %v rollbacks", got)
	}
}

// TestAnotherSpecEndsAStoppedRollout without asking.
func TestAnotherSpecEndsAStoppedRollout(t *testing.T) {
	_, operator := startRollout(t, 1, "gw1", "gw2")
	operator.runner.boxes.on("gw1", func(host *box) { host.cutOff = true })
	changeFirewall(t, 20)
	awaitHost(t, edge, "gw2", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolloutStopped")
	operator.runner.boxes.on("gw1", func(host *box) { host.cutOff = false })
	changeFirewall(t, 30)
	awaitProgrammed(t, edge)
}

// TestAFirstChangeThatRollsBack: there is nothing earlier to keep current.
func TestAFirstChangeThatRollsBack(t *testing.T) {
	s := openEdge(t, "gw1", "gw2")
	editEdge(t, func(gateway *v1alpha1.NftGateway) {
		gateway.Spec.Rollout.ConfirmTimeout = &metav1.Duration{Duration: confirmTimeout}
	})
	boxes := newBoxes()
	boxes.on("gw1", func(host *box) { host.cutOff = true })
	operator := startOperator(t, withBoxes(boxes))
	s.service("web", []string{"203.0.113.10"})
	awaitHost(t, edge, "gw1", v1alpha1.ConditionDegraded, metav1.ConditionTrue, "RolledBack")
	awaitHost(t, edge, "gw2", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolloutStopped")
	if operator.runner.count("gw2") > 0 {
		t.Error("there was a run on gw2, which has nothing to keep current")
	}
	condition := s.awaitClosed("web", "HostNotProgrammed")
	if want := "edge.gw2: RolloutStopped"; !strings.HasSuffix(condition.Message, want) {
		t.Errorf("the Service is told %q, want %q", condition.Message, want)
	}
	if got := tries(operator, "gw1"); got != 1 {
		t.Errorf("gw1 tried the change %d times", got)
	}
}

// TestAPendingChangeIsNoFailure: the host is asked again in seconds, and its
// backoff does not grow.
func TestAPendingChangeIsNoFailure(t *testing.T) {
	_, operator := startRollout(t, 1, "gw1", "gw2")
	operator.runner.on("gw1", fail(ansible.ReasonRollbackPending))
	before := operator.runner.count("gw1")
	changeFirewall(t, 20)
	awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RollbackPending")
	awaitHost(t, edge, "gw2", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolloutWaiting")
	began := time.Now()
	await(t, "three attempts more", func() error {
		if runs := operator.runner.count("gw1") - before; runs < 4 {
			return fmt.Errorf("%d runs", runs)
		}
		return nil
	})
	if took := time.Since(began); took < 8*time.Second || took > 12*time.Second {
		t.Errorf("three attempts took %s, want three times three seconds", took)
	}
	operator.runner.on("gw1", nil)
	awaitProgrammed(t, edge)
}
