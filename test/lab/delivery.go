package lab

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// Delivery is a volley of which every packet must arrive: the node's kernel
// counts those that do, and takes them away. It is for protocols without sockets.
type Delivery struct {
	*Volley
	arrivingCounter
}

var packetsCounted = regexp.MustCompile(`packets (\d+)`)

// Deliver fires at the node from a source port that nothing else uses, until it
// is closed.
func (t *Topology) Deliver(via *Gateway, sourcePort uint16, pace Pace, targets ...Target) (*Delivery, error) {
	counter, err := t.Node.countArriving(sourcePort)
	if err != nil {
		return nil, err
	}
	d := &Delivery{arrivingCounter: counter}
	if d.Volley, err = t.Fire(via, sourcePort, pace, targets...); err != nil {
		return nil, errors.Join(err, d.remove())
	}
	return d, nil
}

// Close ends the volley and the counting.
func (d *Delivery) Close() error { return errors.Join(d.Volley.Close(), d.remove()) }

// arrivingCounter counts in the node's kernel.
type arrivingCounter struct {
	node  *Node
	table string
}

// countArriving counts packets from a source port, and takes them away.
func (n *Node) countArriving(sourcePort uint16) (arrivingCounter, error) {
	c := arrivingCounter{node: n, table: fmt.Sprintf("delivery%d", sourcePort)}
	return c, n.Nft(fmt.Sprintf(`table inet %s {
	counter arrived {
	}
	chain arriving {
		type filter hook prerouting priority -400; policy accept;
		meta l4proto { tcp, udp, sctp } th sport %d counter name arrived drop
	}
}
`, c.table, sourcePort))
}

// Arrived is the number of packets so far.
func (c arrivingCounter) Arrived() (int64, error) {
	output, err := c.node.Command("nft", "list", "counter", "inet", c.table, "arrived").Output()
	if err != nil {
		return 0, fmt.Errorf("count what arrived at the node: %w", err)
	}
	match := packetsCounted.FindSubmatch(output)
	if match == nil {
		return 0, fmt.Errorf("count what arrived at the node: nft says %q", output)
	}
	return strconv.ParseInt(string(match[1]), 10, 64)
}

func (c arrivingCounter) remove() error { return c.node.Nft("delete table inet " + c.table + "\n") }
