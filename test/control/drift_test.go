package control

import (
	"fmt"
	"strings"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
)

// counted is the value of a counter of a host of the gateway edge.
func counted(t *testing.T, name, host string) float64 {
	t.Helper()
	families, err := ctrlmetrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, pair := range metric.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			if labels["gateway"] == edge && labels["host"] == edge+"."+host {
				return metric.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// TestDriftIsTold: what somebody else changed on a host, once, and when.
func TestDriftIsTold(t *testing.T) {
	openEdge(t, "gw1", "gw2")
	operator := startOperator(t, withPeriod(time.Second))
	awaitProgrammed(t, edge)
	before := counted(t, "nft_operator_host_drift_total", "gw1")
	operator.runner.boxes.on("gw1", func(host *box) {
		for number := range 100 {
			host.drift = append(host.drift, fmt.Sprintf("element %d of set services4 was deleted", number))
		}
	})
	var told eventsv1.Event
	host := awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionTrue, "Programmed")
	await(t, "the Event", func() error {
		events, err := eventsAbout(t, host)
		for _, told = range events {
			if told.Reason == "Drift" {
				return nil
			}
		}
		return fmt.Errorf("events are %+v, %w", events, err)
	})
	if told.Type != "Warning" || !strings.Contains(told.Note, "repaired: element 0 of set") || !strings.Contains(told.Note, "and 92 more") || len(told.Note) > 1000 {
		t.Errorf("the Event says %s %q", told.Type, told.Note)
	}
	await(t, "the time of it", func() (err error) {
		if host, err = hostOf(t, edge, "gw1"); err == nil && host.Status.LastDriftTime == nil {
			err = fmt.Errorf("status is %+v", host.Status)
		}
		return err
	})
	when := host.Status.LastDriftTime
	awaitChecks(t, operator, 3)
	host = awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionTrue, "Programmed")
	events, err := eventsAbout(t, host)
	if err != nil || countOf(events, "Drift") != 1 || !host.Status.LastDriftTime.Equal(when) {
		t.Errorf("what was repaired is told again: %+v, %+v, %v", events, host.Status, err)
	}
	if got := counted(t, "nft_operator_host_drift_total", "gw1") - before; got != 1 {
		t.Errorf("the metric counts %v", got)
	}
	if other, err := hostOf(t, edge, "gw2"); err != nil || other.Status.LastDriftTime != nil || counted(t, "nft_operator_host_drift_total", "gw2") > 0 {
		t.Errorf("gw2 has drift: %+v, %v", other.Status, err)
	}
}

// TestTheWayToStartIsTold: a host without systemd is no fault, but a note.
func TestTheWayToStartIsTold(t *testing.T) {
	openEdge(t, "gw1", "gw2")
	boxes := newBoxes()
	boxes.on("gw2", func(host *box) { host.boot = ansible.BootNoWay })
	startOperator(t, withBoxes(boxes))
	awaitProgrammed(t, edge)
	for host, boot := range map[string]string{"gw1": "Unit", "gw2": "NoSystemd"} {
		seen := awaitHost(t, edge, host, v1alpha1.ConditionDegraded, metav1.ConditionFalse, "AsIntended")
		if seen.Status.Boot != boot {
			t.Errorf("%s starts by %q", host, seen.Status.Boot)
		}
	}
}
