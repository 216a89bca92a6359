package soak

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// TestNothingIsLostUnderChurn changes Services and options, in a random order
// that its seed repeats, while streams, new connections and probes go on.
func TestNothingIsLostUnderChurn(t *testing.T) {
	j := newJournal(seed())
	t.Logf("seed %d", j.seed)
	traffic, err := the.startTraffic(j)
	if err != nil {
		t.Fatal(err)
	}
	c := &churn{world: the, journal: j, random: rand.New(rand.NewPCG(j.seed, 0)), made: map[string]int{}}
	runs, started := runs(t), time.Now()
	if err := c.run(t.Context(), *changeCount); err != nil {
		j.complain("%v", err)
	}
	took := time.Since(started)
	figures, err := traffic.finish()
	if err != nil {
		j.complain("%v", err)
	}
	t.Logf("%s\n%.0f runs of the playbook, in %s\n%s", c.summary(), runsSince(t, runs), took.Round(time.Millisecond), figures)
	j.report(t)
}

// runs is the number of playbook runs on the gateway so far.
func runs(t *testing.T) float64 {
	t.Helper()
	count, err := the.operator.Metric("nft_operator_runs_total", fmt.Sprintf("host=%q", edge+"."+the.gateway.Name))
	if err != nil {
		t.Fatal(err)
	}
	return count
}

func runsSince(t *testing.T, before float64) float64 {
	t.Helper()
	return runs(t) - before
}
