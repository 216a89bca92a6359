package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nft-operator/nft-operator/test/lab"
)

// packetKind is a kind of traffic that is measured.
type packetKind int

const (
	// knownPackets are UDP packets with 64 bytes of payload, of a connection of which
	// the node has answered one before; of firstPackets it has answered none.
	knownPackets packetKind = iota
	firstPackets
	// newConnections are by TCP. These three are counted for a second of the
	// processor that carries them.
	newConnections
	// goodput of one TCP connection, bits in a second.
	goodput
	packetKinds
)

const (
	smallPayload = 64
	packetsEach  = 10000
	// connectionsEach time: those of all rounds fit into the client's ports.
	connectionsEach = 1000
	// packetsWithin so long, however few they are.
	packetsWithin = 300 * time.Millisecond
	goodputWithin = 300 * time.Millisecond
)

// contender is a gateway with a ruleset, and what got through it each time.
type contender struct {
	name    string
	gateway *lab.Gateway
	rates   [packetKinds][]float64
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

// run measures all of them in turns, and those of a kind right after each other,
// because the machine has other things to do too.
func (c *contest) run(ctx context.Context, rounds int, kinds ...packetKind) error {
	for round := range rounds {
		progress("round %d of %d", round+1, rounds)
		for _, kind := range kinds {
			for _, one := range c.contenders {
				if err := c.net.Via(one.gateway); err != nil {
					return err
				}
				rate, err := kind.measure(ctx, c.net)
				if err != nil {
					return fmt.Errorf("%s: %w", one.name, err)
				}
				one.rates[kind] = append(one.rates[kind], rate)
			}
		}
	}
	return nil
}

func (k packetKind) measure(ctx context.Context, net *lab.Topology) (float64, error) {
	switch k {
	case newConnections:
		return net.MeasureConnections(ctx, connectionsEach, packetsWithin, lastDoor())
	case goodput:
		return net.MeasureGoodput(ctx, goodputWithin/3, goodputWithin, net.Client.Primary.IPv4, lastDoor())
	default:
		datagrams := lab.Datagrams{Payload: smallPayload, To: lastDoor(), Answered: k == knownPackets}
		return net.MeasureDatagrams(ctx, datagrams, packetsEach, packetsWithin)
	}
}

// relative is the median of what a contender gets through of what another one
// does, in the same round.
func (c *contest) relative(name, to string, kind packetKind) float64 {
	return median(ratios(c.named(name).rates[kind], c.named(to).rates[kind]))
}
