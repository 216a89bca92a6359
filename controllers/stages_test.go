package controllers

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

func TestQueueTimeBeginsWithTheFirstEvent(t *testing.T) {
	var waiting arrivals
	host, other := types.NamespacedName{Name: "edge.gw1"}, types.NamespacedName{Name: "edge.gw2"}
	began := time.Now()
	waiting.note(host, began)
	waiting.note(host, began.Add(time.Second))
	waiting.note(other, began.Add(2*time.Second))
	for _, step := range []struct {
		host types.NamespacedName
		at   time.Duration
		want time.Duration
	}{
		{host, 3 * time.Second, 3 * time.Second},
		{host, 4 * time.Second, 0}, // a period ended, not an event
		{other, 4 * time.Second, 2 * time.Second},
	} {
		if got := waiting.serve(step.host, began.Add(step.at)); got != step.want {
			t.Errorf("%s waited %s, want %s", step.host.Name, got, step.want)
		}
	}
	waiting.note(host, began.Add(5*time.Second))
	if got := waiting.serve(host, began.Add(6*time.Second)); got != time.Second {
		t.Errorf("an event after work began waited %s", got)
	}
}

func TestStagesThatDidNotHappenAreLeftOut(t *testing.T) {
	before := observedStages(t)
	observeStages(0, 20*time.Millisecond, 400*time.Millisecond, ansible.Timings{SSH: 100 * time.Millisecond, Total: 300 * time.Millisecond})
	observeStages(time.Second, time.Second, time.Second, ansible.Timings{}) // nothing ran
	after := observedStages(t)
	for stage, want := range map[string]float64{"queue": 0, "plan": 0.02, "slot": 0.1, "ssh": 0.1, "list": 0, "total": 0.3} {
		if got := after[stage].seconds - before[stage].seconds; got < want-1e-6 || got > want+1e-6 {
			t.Errorf("%s grew by %g s, want %g s", stage, got, want)
		}
		if grew := after[stage].count > before[stage].count; grew != (want > 0) {
			t.Errorf("%s was observed: %t", stage, grew)
		}
	}
}

// observed is what a histogram has of a stage.
type observed struct {
	seconds float64
	count   uint64
}

func observedStages(t *testing.T) map[string]observed {
	t.Helper()
	families, err := ctrlmetrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]observed{}
	for _, family := range families {
		if family.GetName() != "nft_operator_stage_seconds" {
			continue
		}
		for _, metric := range family.GetMetric() {
			histogram := metric.GetHistogram()
			all[metric.GetLabel()[0].GetValue()] = observed{histogram.GetSampleSum(), histogram.GetSampleCount()}
		}
	}
	return all
}
