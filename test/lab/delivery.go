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
	node  *Node
	table string
}

var packetsCounted = regexp.MustCompile(`packets (\d+)`)

// Deliver fires at the node from a source port that nothing else uses, until it
// is closed.
func (t *Topology) Deliver(via *Gateway, sourcePort uint16, pace Pace, targets ...Target) (*Delivery, error) {
	d := &Delivery{node: t.Node, table: fmt.Sprintf("delivery%d", sourcePort)}
	err := t.Node.Nft(fmt.Sprintf(`table inet %s {
	counter arrived {
	}
	chain arriving {
		type filter hook prerouting priority -400; policy accept;
		meta l4proto { tcp, udp, sctp } th sport %d counter name arrived drop
	}
}
`, d.table, sourcePort))
	if err != nil {
		return nil, err
	}
	if d.Volley, err = t.Fire(via, sourcePort, pace, targets...); err != nil {
		return nil, errors.Join(err, d.remove())
	}
	return d, nil
}

// Arrived is the number of packets so far.
func (d *Delivery) Arrived() (int64, error) {
	output, err := d.node.Command("nft", "list", "counter", "inet", d.table, "arrived").Output()
	if err != nil {
		return 0, fmt.Errorf("count what arrived at the node: %w", err)
	}
	match := packetsCounted.FindSubmatch(output)
	if match == nil {
		return 0, fmt.Errorf("count what arrived at the node: nft says %q", output)
	}
	return strconv.ParseInt(string(match[1]), 10, 64)
}

// Close ends the volley and the counting.
func (d *Delivery) Close() error { return errors.Join(d.Volley.Close(), d.remove()) }

func (d *Delivery) remove() error { return d.node.Nft("delete table inet " + d.table + "\n") }
