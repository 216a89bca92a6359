package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nft-operator/nft-operator/test/lab"
)

// An open door answers in milliseconds; a closed one never does.
const (
	openPatience   = 3 * time.Second
	closedPatience = 300 * time.Millisecond
)

// door is an address, protocol and port that the client knocks on.
type door struct {
	protocol lab.Protocol
	at       netip.AddrPort
}

func tcp(at string) door { return door{lab.TCP, netip.MustParseAddrPort(at)} }
func udp(at string) door { return door{lab.UDP, netip.MustParseAddrPort(at)} }

func (d door) String() string { return fmt.Sprintf("%s/%s", d.at, d.protocol) }

// texts writes doors in a line, by their number where there are too many.
func texts(doors []door) string {
	const most = 6
	if len(doors) > most {
		return fmt.Sprintf("all %d servers", len(doors))
	}
	var all []string
	for _, door := range doors {
		all = append(all, door.String())
	}
	return strings.Join(all, ", ")
}

// visitor is one of the client's addresses, in both families.
type visitor struct {
	lab.Addresses
	name string
}

func (w *world) guest() visitor     { return visitor{w.net.Client.Primary, "client .10"} }
func (w *world) neighbour() visitor { return visitor{w.net.Client.Secondary, "client .77"} }

// serve puts servers behind doors, whether or not anybody may come through.
func (w *world) serve(doors ...door) error {
	for _, door := range doors {
		if _, err := w.net.Node.Serve(door.protocol, door.at); err != nil {
			return err
		}
	}
	return nil
}

// open is no error where every door's server answers the visitor.
func (w *world) open(from visitor, doors []door) func() error {
	return w.knockOnAll(from, doors, openPatience, func(knock error) error {
		if knock != nil {
			return fmt.Errorf("it is closed: %w", knock)
		}
		return nil
	})
}

// knockOn is no error where somebody answers.
func (w *world) knockOn(from visitor, door door) error {
	return w.net.Client.Knock(door.protocol, from.Like(door.at.Addr()), door.at, openPatience)
}

// closed is no error where the visitor's packets to every door vanish. A
// refusal would mean that they come through.
func (w *world) closed(from visitor, doors []door) func() error {
	return w.knockOnAll(from, doors, closedPatience, func(knock error) error {
		var failure net.Error
		switch {
		case knock == nil:
			return errors.New("it answers")
		case !errors.As(knock, &failure) || !failure.Timeout():
			return fmt.Errorf("packets are not dropped: %w", knock)
		}
		return nil
	})
}

// knockOnAll knocks on all doors at once and judges what each knock came to.
func (w *world) knockOnAll(from visitor, doors []door, patience time.Duration, judge func(error) error) func() error {
	return func() error {
		complaints := make([]error, len(doors))
		var knocks sync.WaitGroup
		for i, door := range doors {
			knocks.Go(func() {
				source := from.Like(door.at.Addr())
				if err := judge(w.net.Client.Knock(door.protocol, source, door.at, patience)); err != nil {
					complaints[i] = fmt.Errorf("%s from %s: %w", door, source, err)
				}
			})
		}
		knocks.Wait()
		return errors.Join(complaints...)
	}
}

// onlyPasses is no error where, of packets to every port of the doors'
// addresses, exactly those to the doors come through.
func (w *world) onlyPasses(by *lab.Gateway, doors []door) func() error {
	return func() error {
		want, destinations := lab.Packets{}, []netip.Addr{}
		for _, door := range doors {
			to := door.at.Addr()
			destinations = append(destinations, to)
			want[lab.Packet{
				Source: w.net.Client.Primary.Like(to), Destination: to, Protocol: door.protocol, Port: door.at.Port(),
			}] = struct{}{}
		}
		slices.SortFunc(destinations, netip.Addr.Compare)
		got, err := w.net.Scan(lab.Scan{Via: by, Destinations: slices.Compact(destinations)})
		if err != nil {
			return err
		}
		return errors.Join(missing("does not arrive", want, got), missing("arrives, and should not", got, want))
	}
}

// missing complains about a few of the packets that are in one set and not in
// the other.
func missing(how string, from, in lab.Packets) error {
	const most = 5
	var complaints []error
	for packet := range from {
		if _, there := in[packet]; there {
			continue
		}
		if len(complaints) == most {
			complaints = append(complaints, errors.New("and more"))
			break
		}
		complaints = append(complaints, fmt.Errorf("%s %s", packet, how))
	}
	return errors.Join(complaints...)
}
