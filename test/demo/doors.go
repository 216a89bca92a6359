package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
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

func (d door) String() string { return fmt.Sprintf("%s %s", d.protocol, d.at) }

// texts writes doors in a line.
func texts(doors []door) string {
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

// open is no error where every door's server answers the client.
func (w *world) open(from visitor, doors []door) func() error {
	return func() error {
		var seen []error
		for _, door := range doors {
			source := from.Like(door.at.Addr())
			if err := w.net.Client.Knock(door.protocol, source, door.at, openPatience); err != nil {
				seen = append(seen, fmt.Errorf("%s is closed for %s: %w", door, source, err))
			}
		}
		return errors.Join(seen...)
	}
}

// closed is no error where packets to every door vanish.
func (w *world) closed(from visitor, doors []door) func() error {
	return func() error {
		var seen []error
		for _, door := range doors {
			source := from.Like(door.at.Addr())
			err := w.net.Client.Knock(door.protocol, source, door.at, closedPatience)
			var failure net.Error
			switch {
			case err == nil:
				seen = append(seen, fmt.Errorf("%s answers %s", door, source))
			case !errors.As(err, &failure) || !failure.Timeout():
				seen = append(seen, fmt.Errorf("%s does not drop what %s sends: %w", door, source, err))
			}
		}
		return errors.Join(seen...)
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
