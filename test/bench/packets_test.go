package main

import (
	"fmt"
	"testing"
)

const (
	quickRounds   = 9
	quickServices = 5000
	// leastOfOne and leastOfTracked are what many Services must get through of
	// what one does, and conntrack alone.
	leastOfOne, leastOfTracked = 0.8, 0.6
)

// TestAPacketCostsTheSameForManyServices floods the last of many Services, and
// the only one, with small packets. That the check can fail is shown by a rule
// for each Service.
func TestAPacketCostsTheSameForManyServices(t *testing.T) {
	one, many, linear := productWith(1, 0.5), productWith(quickServices, 0.5), ancestorWith(quickServices)
	c, err := newContest([]string{onlyTracked, one, many, linear})
	must(t, err)
	t.Cleanup(func() { must(t, c.net.Close()) })
	must(t, c.named(onlyTracked).gateway.Nft(conntrackAlone))
	must(t, applyServices(t.Context(), c.net, c.named(one).gateway, servicesWithLast(1, 0.5)))
	must(t, applyServices(t.Context(), c.net, c.named(many).gateway, servicesWithLast(quickServices, 0.5)))
	must(t, c.named(linear).gateway.Nft(oneRulePerService(servicesWithLast(quickServices, 0))))
	must(t, c.run(t.Context(), quickRounds, knownPackets, firstPackets))
	for _, ruleset := range []string{many, linear} {
		for _, small := range smallPackets {
			t.Logf("%s, %s: %.3f of those with one Service, %.3f of those with conntrack alone", small.name, ruleset,
				c.relative(ruleset, one, small.kind), c.relative(ruleset, onlyTracked, small.kind))
		}
	}
	if err := c.dear(many, one); err != nil {
		t.Error(err)
	}
	if c.dear(linear, one) == nil {
		t.Error("a rule for each Service is not found to be dear: this test cannot fail")
	}
}

// dear says where packets are dearer than they may be.
func (c *contest) dear(ruleset, one string) error {
	for reference, least := range map[string]float64{one: leastOfOne, onlyTracked: leastOfTracked} {
		for _, small := range smallPackets {
			if got := c.relative(ruleset, reference, small.kind); got < least {
				return fmt.Errorf("%s, %s: %.2f of those of %s get through, want %.2f at the least", small.name, ruleset, got, reference, least)
			}
		}
	}
	return nil
}
