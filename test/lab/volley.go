package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Target is what a volley fires at: a packet that opens something for every port
// of the range, by each protocol.
type Target struct {
	From, To            netip.Addr
	Protocols           []Protocol
	FirstPort, LastPort uint16
}

// Volley sends packets from the client through one gateway at a steady pace, to
// its targets in a random order. Nobody waits for answers.
type Volley struct {
	shots  []shot
	sent   atomic.Int64
	stop   chan struct{}
	done   sync.WaitGroup
	failed error // read after done
}

// Pace is so many packets at a time, so often.
type Pace struct {
	Packets int
	Every   time.Duration
}

// shot is one packet to send.
type shot struct {
	frame *frame
	port  uint16
}

// Fire sends packets from a source port until the volley is closed.
func (t *Topology) Fire(via Router, sourcePort uint16, pace Pace, targets ...Target) (*Volley, error) {
	ends, link, err := t.wayTo(via)
	if err != nil {
		return nil, err
	}
	v := &Volley{stop: make(chan struct{})}
	for _, target := range targets {
		for _, protocol := range target.Protocols {
			frame := newFrame(ends, protocol, netip.AddrPortFrom(target.From, sourcePort), target.To)
			for port := int(target.FirstPort); port <= int(target.LastPort); port++ {
				v.shots = append(v.shots, shot{frame, uint16(port)})
			}
		}
	}
	if len(v.shots) == 0 {
		return nil, errors.New("a volley needs targets")
	}
	socket, err := t.Client.packetSocket(link)
	if err != nil {
		return nil, err
	}
	v.done.Go(func() {
		defer func() { _ = unix.Close(socket) }()
		v.failed = v.fire(socket, pace)
	})
	return v, nil
}

// wayTo gives the two ends of the client's way to a gateway, and which of the
// client's interfaces leads there.
func (t *Topology) wayTo(via Router) (ends [2]net.HardwareAddr, link int, err error) {
	from, err := t.Client.links.LinkByName("eth0")
	if err != nil {
		return ends, 0, err
	}
	to, err := via.publicLink()
	if err != nil {
		return ends, 0, err
	}
	return [2]net.HardwareAddr{from.Attrs().HardwareAddr, to}, from.Attrs().Index, nil
}

// packetSocket sends frames out of an interface of the namespace.
func (n *Namespace) packetSocket(link int) (socket int, err error) {
	err = n.Do(func() (err error) {
		socket, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("open a packet socket: %w", err)
	}
	if err := unix.Bind(socket, &unix.SockaddrLinklayer{Ifindex: link}); err != nil {
		_ = unix.Close(socket)
		return 0, fmt.Errorf("bind a packet socket: %w", err)
	}
	return socket, nil
}

func (v *Volley) fire(socket int, pace Pace) error {
	ticker := time.NewTicker(pace.Every)
	defer ticker.Stop()
	for {
		// Every target once, before any of them a second time.
		order := rand.Perm(len(v.shots))
		for len(order) > 0 {
			select {
			case <-v.stop:
				return nil
			case <-ticker.C:
			}
			now := order[:min(pace.Packets, len(order))]
			order = order[len(now):]
			for _, i := range now {
				v.shots[i].frame.setPort(v.shots[i].port)
				if err := sendAll(socket, v.shots[i].frame.bytes); err != nil {
					return err
				}
				v.sent.Add(1)
			}
		}
	}
}

// Sent is the number of packets so far.
func (v *Volley) Sent() int64 { return v.sent.Load() }

// Close ends the volley. Its error says why it ended before.
func (v *Volley) Close() error {
	close(v.stop)
	v.done.Wait()
	return v.failed
}
