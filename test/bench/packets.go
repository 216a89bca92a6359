package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nft-operator/nft-operator/test/lab"
)

// packetRates are what gets through a gateway.
type packetRates struct {
	// Packets of 64 bytes of payload, by UDP, and new TCP connections, in a second
	// of the processor that carries them. Of known packets the node has answered one
	// before, of first ones none.
	knownPackets, firstPackets, connections float64
	// goodput of one connection, bits in a second.
	goodput float64
}

const (
	smallPayload = 64
	packetsEach  = 10000
	// connectionsEach time: those of all rounds fit into the client's ports.
	connectionsEach = 1000
	// packetsWithin so long, however few they are.
	packetsWithin = 300 * time.Millisecond
	goodputWithin = 300 * time.Millisecond
)

// contender is a gateway with a ruleset, and what gets through it each time.
type contender struct {
	name    string
	gateway *lab.Gateway
	rates   []packetRates
}

// contest sends the same traffic through gateways that differ in their rulesets
// only.
type contest struct {
	net        *lab.Topology
	contenders []*contender
}

// newContest makes a gateway for each name.
func newContest(names []string) (*contest, error) {
	net, err := lab.NewTopology(lab.Layout{Gateways: len(names)})
	if err != nil {
		return nil, err
	}
	c := &contest{net: net}
	for i, name := range names {
		c.contenders = append(c.contenders, &contender{name: name, gateway: net.Gateways[i]})
	}
	return c, nil
}

func (c *contest) named(name string) *contender {
	for _, one := range c.contenders {
		if one.name == name {
			return one
		}
	}
	panic("no ruleset is called " + name)
}

// run measures all of them in turns, because the machine has other things to do
// too.
func (c *contest) run(ctx context.Context, rounds int, measure func(context.Context, *lab.Topology) (packetRates, error)) error {
	for round := range rounds {
		progress("round %d of %d", round+1, rounds)
		for _, one := range c.contenders {
			if err := c.net.Via(one.gateway); err != nil {
				return err
			}
			rates, err := measure(ctx, c.net)
			if err != nil {
				return fmt.Errorf("%s: %w", one.name, err)
			}
			one.rates = append(one.rates, rates)
		}
	}
	return nil
}

// measurePackets measures small packets only.
func measurePackets(ctx context.Context, net *lab.Topology) (rates packetRates, err error) {
	datagrams := lab.Datagrams{Payload: smallPayload, To: lastDoor()}
	if rates.firstPackets, err = net.MeasureDatagrams(ctx, datagrams, packetsEach, packetsWithin); err != nil {
		return rates, err
	}
	datagrams.Answered = true
	rates.knownPackets, err = net.MeasureDatagrams(ctx, datagrams, packetsEach, packetsWithin)
	return rates, err
}

func measureAll(ctx context.Context, net *lab.Topology) (packetRates, error) {
	rates, err := measurePackets(ctx, net)
	if err != nil {
		return rates, err
	}
	if rates.goodput, err = net.MeasureGoodput(ctx, goodputWithin/3, goodputWithin, net.Client.Primary.IPv4, lastDoor()); err != nil {
		return rates, err
	}
	rates.connections, err = net.MeasureConnections(ctx, connectionsEach, packetsWithin, lastDoor())
	return rates, err
}

// all lists one of the rates of all rounds.
func (c *contender) all(pick func(packetRates) float64) []float64 {
	var values []float64
	for _, rates := range c.rates {
		values = append(values, pick(rates))
	}
	return values
}

func (r packetRates) ofFirstPackets() float64 { return r.firstPackets }
func (r packetRates) ofKnownPackets() float64 { return r.knownPackets }
func (r packetRates) ofConnections() float64  { return r.connections }
func (r packetRates) ofGoodput() float64      { return r.goodput }

// relative is the median of what a contender gets through of what another one
// does, in the same round.
func (c *contest) relative(name, to string, pick func(packetRates) float64) float64 {
	return median(ratios(c.named(name).all(pick), c.named(to).all(pick)))
}
