package main

import (
	"testing"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestAnApplyOfOneChangeIsCheapAmongMany compares the processor time that a
// gateway takes for one more Service among few with that among a hundred times as
// many: most of it is the start of Python. It fails where every element costs as
// much as the one that changed.
func TestAnApplyOfOneChangeIsCheapAmongMany(t *testing.T) {
	const few, many, changes, most = 50, 5000, 5, 2.0
	net, err := lab.NewTopology(lab.Layout{Gateways: 2})
	must(t, err)
	t.Cleanup(func() { must(t, net.Close()) })
	times := map[int]float64{}
	for i, count := range []int{few, many} {
		gateway := net.Gateways[i]
		must(t, applyServices(t.Context(), net, gateway, servicesWithLast(count, 0)))
		var all []float64
		for change := range changes {
			before, err := gateway.FirstProcess().OfTree()
			must(t, err)
			must(t, applyServices(t.Context(), net, gateway, servicesWithLast(count+1+change, 0)))
			after, err := gateway.FirstProcess().OfTree()
			must(t, err)
			all = append(all, (after - before).Seconds())
		}
		times[count] = median(all)
	}
	ratio := times[many] / times[few]
	t.Logf("one change among %d costs %.2f of one among %d (%.2f s and %.2f s)", many, ratio, few, times[many], times[few])
	if ratio > most {
		t.Errorf("want at most %.1f", most)
	}
}
