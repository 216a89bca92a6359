package control

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/controllers"
	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
)

func epochLease() *coordinationv1.Lease {
	return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: controllers.EpochLease}}
}

// setEpoch makes the Lease remember an epoch.
func setEpoch(t *testing.T, epoch int64) {
	t.Helper()
	remove(t, epochLease())
	lease := epochLease()
	lease.Annotations = map[string]string{controllers.AnnotationEpoch: strconv.FormatInt(epoch, 10)}
	create(t, lease)
}

// epochOf is the epoch of an operator's last run on gw1.
func epochOf(o *operator) int64 {
	if fence := o.runner.last("gw1").Fence; fence != nil {
		return fence.Epoch
	}
	return 0
}

func TestEachRunIsNewerThanThoseBefore(t *testing.T) {
	s := openEdge(t, "gw1")
	remove(t, epochLease())
	before := time.Now().Unix()
	first := startOperator(t)
	s.service("web", []string{"203.0.113.10"})
	s.awaitOpen("web", "1 of 1 gateway hosts")
	s.service("dns", []string{"203.0.113.11"})
	s.awaitOpen("dns", "1 of 1 gateway hosts")
	first.stop()
	var last int64
	for _, run := range first.runner.all("gw1") {
		if run.Fence == nil || run.Fence.Epoch != epochOf(first) || run.Fence.Sequence <= last {
			t.Fatalf("after sequence %d the fence is %+v", last, run.Fence)
		}
		last = run.Fence.Sequence
	}
	if epochOf(first) < before {
		t.Errorf("without a Lease the epoch is %d, which may be older than that of another cluster", epochOf(first))
	}

	for name, test := range map[string]struct {
		arrange func()
		newer   int64
	}{
		"the same clock":          {func() {}, epochOf(first)},
		"a clock that fell back":  {func() { setEpoch(t, before+3600) }, before + 3600},
		"a Lease that was edited": {func() { setEpoch(t, 7) }, before - 1},
	} {
		t.Run(name, func(t *testing.T) {
			test.arrange()
			second := startOperator(t, withBoxes(first.runner.boxes))
			awaitRun(t, second, "gw1")
			if epochOf(second) <= test.newer {
				t.Errorf("the epoch is %d, not newer than %d", epochOf(second), test.newer)
			}
		})
	}
}

func awaitRun(t *testing.T, o *operator, host string) {
	t.Helper()
	await(t, "a run on "+host, func() error {
		if o.runner.count(host) == 0 {
			return errors.New("there was none")
		}
		return nil
	})
}

// TestTwoOperatorsNeverShareAnEpoch: one takes it between the other's look and
// its write.
func TestTwoOperatorsNeverShareAnEpoch(t *testing.T) {
	openEdge(t, "gw1")
	for name, arrange := range map[string]func(){
		"a Lease that is there": func() { setEpoch(t, time.Now().Unix()) },
		"a first Lease":         func() { remove(t, epochLease()) },
	} {
		t.Run(name, func(t *testing.T) {
			arrange()
			theirs := time.Now().Unix() + 1000
			operator := startOperator(t, withEncounter("/leases", func() { setEpoch(t, theirs) }))
			awaitRun(t, operator, "gw1")
			if epochOf(operator) <= theirs {
				t.Errorf("the epoch is %d, that of another operator %d", epochOf(operator), theirs)
			}
		})
	}
}

// TestASupersededOperatorEnds: it runs nothing and tells nothing any more, and
// the one that took over goes on.
func TestASupersededOperatorEnds(t *testing.T) {
	s := openEdge(t, "gw1")
	first := startOperator(t)
	s.service("web", []string{"203.0.113.10"})
	s.awaitOpen("web", "1 of 1 gateway hosts")
	host := awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionTrue, "Programmed")

	second := startOperator(t, withBoxes(first.runner.boxes))
	awaitRun(t, second, "gw1")
	s.service("dns", []string{"203.0.113.11"})
	if err := first.awaitEnd(); !errors.Is(err, controllers.ErrSuperseded) {
		t.Errorf("the first ended with: %v", err)
	}
	s.awaitOpen("dns", "1 of 1 gateway hosts")
	s.service("mail", []string{"203.0.113.12"})
	s.awaitOpen("mail", "1 of 1 gateway hosts")
	awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionTrue, "Programmed")
	events, err := eventsAbout(t, host)
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events {
		if event.Reason == string(ansible.ReasonStaleWriter) {
			t.Errorf("the first told of itself: %s", event.Note)
		}
	}
	if runs := second.runner.all("gw1"); runs[len(runs)-1].Fence.Epoch <= epochOf(first) {
		t.Error("the second is not newer")
	}
}

// TestAWriterOfAnotherClusterIsTold: this operator is the newest here, so it
// goes on, and a person is told where to look.
func TestAWriterOfAnotherClusterIsTold(t *testing.T) {
	s := openEdge(t, "gw1", "gw2")
	operator := startOperator(t)
	operator.runner.boxes.on("gw1", func(host *box) { host.seen = ansible.Fence{Epoch: time.Now().Unix() + 9999} })
	host := awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "StaleWriter")
	for _, advice := range []string{"another cluster", "restart this operator", "another one was here since"} {
		if message := whyNot(host); !strings.Contains(message, advice) {
			t.Errorf("%q is not in %q", advice, message)
		}
	}
	awaitHost(t, edge, "gw2", v1alpha1.ConditionProgrammed, metav1.ConditionTrue, "Programmed")
	s.service("web", []string{"203.0.113.10"})
	await(t, "the Service to be told", func() error {
		condition, err := s.conditionOf("web")
		if err != nil || condition == nil || condition.Message != "open as asked on 1 of 2 gateway hosts; edge.gw1: StaleWriter" {
			return errors.Join(err, fmt.Errorf("condition is %+v", condition))
		}
		return nil
	})
}

// TestNoRunWithoutAnEpoch: what the API server does not give is asked for again.
func TestNoRunWithoutAnEpoch(t *testing.T) {
	s := openEdge(t, "gw1")
	remove(t, epochLease())
	operator := startOperator(t, withLoss("/leases"))
	s.service("web", []string{"203.0.113.10"})
	s.awaitOpen("web", "1 of 1 gateway hosts")
	if !operator.wire.lost() {
		t.Error("nothing was lost")
	}
	if err := the.api.Get(t.Context(), keyOf(epochLease()), &coordinationv1.Lease{}); err != nil {
		t.Error(err)
	}
	for _, run := range operator.runner.all("gw1") {
		if run.Fence == nil || run.Fence.Epoch == 0 {
			t.Errorf("a run has the fence %+v", run.Fence)
		}
	}
}
