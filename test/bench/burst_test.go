package main

import "testing"

// TestABurstIsAHandfulOfRuns creates Services as fast as the API server takes
// them: the runs are few, however many Services there are. It fails where each
// event asks for a run of its own.
func TestABurstIsAHandfulOfRuns(t *testing.T) {
	const services, most = 200, 8
	w, err := newWorld(t.Context(), burstHosts, burstHosts)
	must(t, err)
	t.Cleanup(func() {
		must(t, w.operator.Stop())
		must(t, w.kube.Stop())
		must(t, w.net.Close())
	})
	one, err := w.burst(t.Context(), services)
	must(t, err)
	t.Logf("%d Services were %.0f runs on a host", services, one.runs)
	if one.runs > most {
		t.Errorf("want at most %d", most)
	}
	if one.runs < 1 {
		t.Error("none was counted: this test cannot fail")
	}
}
