package main

import (
	"testing"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestAnApplyOfOneChangeIsCheapAmongMany compares the processor time that a
// gateway takes for one more Service among many with that among few, most of which
// is the start of Python, and with that of a run that does not know what the one
// before saw, and so has to look. It fails where every element costs as much as the
// one that changed.
func TestAnApplyOfOneChangeIsCheapAmongMany(t *testing.T) {
	const few, many, mostOfFew, mostOfLooking = 50, 5000, 2.0, 0.5
	net, err := lab.NewTopology(lab.Layout{Gateways: 2})
	must(t, err)
	t.Cleanup(func() { must(t, net.Close()) })
	amongFew := costOfAChange(t, net, net.Gateways[0], few, func() {})
	amongMany := costOfAChange(t, net, net.Gateways[1], many, func() {})
	looking := costOfAChange(t, net, net.Gateways[1], many, func() {
		must(t, net.Gateways[1].Remove("/run/nft-operator/seen.json"))
	})
	t.Logf("one change among %d costs %.2f s, among %d %.2f s, and %.2f s where it has to look", few, amongFew, many, amongMany, looking)
	if ratio := amongMany / amongFew; ratio > mostOfFew {
		t.Errorf("among many it costs %.2f of that among few, want at most %.1f", ratio, mostOfFew)
	}
	if ratio := amongMany / looking; ratio > mostOfLooking {
		t.Errorf("it costs %.2f of that where it has to look, want at most %.1f", ratio, mostOfLooking)
	}
}

// costOfAChange is the processor time of the gateway for one Service more than so
// many, in seconds. before is called before each.
func costOfAChange(t *testing.T, net *lab.Topology, gateway *lab.Gateway, count int, before func()) float64 {
	t.Helper()
	const changes = 5
	must(t, applyServices(t.Context(), net, gateway, servicesWithLast(count, 0)))
	var all []float64
	for change := range changes {
		before()
		began, err := gateway.FirstProcess().OfTree()
		must(t, err)
		must(t, applyServices(t.Context(), net, gateway, servicesWithLast(count+1+change, 0)))
		ended, err := gateway.FirstProcess().OfTree()
		must(t, err)
		all = append(all, (ended - began).Seconds())
	}
	return median(all)
}
