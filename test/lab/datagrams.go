package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Datagrams are what MeasureDatagrams sends, by IPv4 and UDP.
type Datagrams struct {
	// Payload of each, in bytes.
	Payload int
	To      netip.AddrPort
	// Answered are those to which the node has answered once: gateways know their
	// connection. Without an answer each is the first of its connection, as long as no
	// earlier ones to there were Answered.
	Answered bool
}

// port is where they come from: a connection that is known to gateways must not be
// taken for one that is not.
func (d Datagrams) port() uint16 {
	if d.Answered {
		return 61998
	}
	return 61997
}

// answerWithin is how long the first datagram and its answer may take.
const answerWithin = 5 * time.Second

// MeasureDatagrams sends datagrams from the client to the node, where the kernel
// counts them and takes them away: how many get there in a second of the processor
// that sends them. It ends after most of them or after within, whichever comes
// first. It is an error if any is lost.
func (t *Topology) MeasureDatagrams(ctx context.Context, datagrams Datagrams, most int, within time.Duration) (perSecond float64, err error) {
	arrivals, err := t.Node.countArriving(datagrams.port())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, arrivals.remove()) }()
	client := netip.AddrPortFrom(t.Client.Primary.IPv4, datagrams.port())
	socket, err := t.Client.connectDatagrams(client, datagrams.To)
	if err != nil {
		return 0, err
	}
	defer func() { _ = unix.Close(socket) }()
	payload := make([]byte, datagrams.Payload)
	var before int64
	if datagrams.Answered {
		before = 1
		if err := t.answerOnce(arrivals, socket, payload, client, datagrams.To); err != nil {
			return 0, err
		}
	}
	sent, perSecond, err := t.Client.repeat(ctx, most, within, func(int) error {
		_, err := unix.Write(socket, payload)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("send to %s: %w", datagrams.To, err)
	}
	arrived, err := arrivals.Arrived()
	if err == nil && arrived != before+int64(sent) {
		err = fmt.Errorf("of %d datagrams to %s %d arrived", before+int64(sent), datagrams.To, arrived)
	}
	return perSecond, err
}

// answerOnce sends a datagram by the client's socket, and has the node answer it.
func (t *Topology) answerOnce(arrivals arrivingCounter, socket int, payload []byte, client, to netip.AddrPort) error {
	if _, err := unix.Write(socket, payload); err != nil {
		return fmt.Errorf("send to %s: %w", to, err)
	}
	err := await(answerWithin, func() error {
		arrived, err := arrivals.Arrived()
		if err == nil && arrived == 0 {
			err = fmt.Errorf("no datagram to %s arrived", to)
		}
		return err
	})
	if err != nil {
		return err
	}
	answer, err := t.Node.connectDatagrams(to, client)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(answer) }()
	if _, err := unix.Write(answer, payload); err != nil {
		return fmt.Errorf("answer to %s: %w", client, err)
	}
	if _, err := unix.Read(socket, make([]byte, len(payload))); err != nil {
		return fmt.Errorf("the answer from %s: %w", to, err)
	}
	return nil
}

// connectDatagrams opens a socket for UDP from one address to another one. It
// waits a while for what it reads.
func (n *Namespace) connectDatagrams(from, to netip.AddrPort) (socket int, err error) {
	err = n.Do(func() error {
		if socket, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		limit := unix.NsecToTimeval(answerWithin.Nanoseconds())
		err := errors.Join(
			// The node has addresses of load balancers only where its kube-proxy does.
			unix.SetsockoptInt(socket, unix.SOL_IP, unix.IP_FREEBIND, 1),
			unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit),
			unix.Bind(socket, socketAddress(from)), unix.Connect(socket, socketAddress(to)))
		if err != nil {
			_ = unix.Close(socket)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("from %s to %s by UDP: %w", from, to, err)
	}
	return socket, nil
}

// warmUp is done before anything counts: neighbours are found, caches filled.
const warmUp = 50

// repeat does something again and again on one thread in the namespace: how many
// times in all, and how many in a second of that thread's processor time.
//
// A packet is carried all the way through the lab by the kernel on behalf of
// whoever sent it, so that time has all of it, but not what others take from the
// machine meanwhile. That is so where the kernel does not account interrupts apart
// from processes (CONFIG_IRQ_TIME_ACCOUNTING).
func (n *Namespace) repeat(ctx context.Context, most int, within time.Duration, once func(number int) error) (did int, perSecond float64, err error) {
	err = n.Do(func() error {
		var before, after unix.Timespec
		for deadline := time.Now().Add(within); did < most+warmUp && ctx.Err() == nil; did++ {
			if did == warmUp {
				if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &before); err != nil {
					return err
				}
			} else if did > warmUp && time.Now().After(deadline) {
				break
			}
			if err := once(did); err != nil {
				return err
			}
		}
		if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &after); err != nil {
			return err
		}
		perSecond = float64(did-warmUp) / time.Duration(after.Nano()-before.Nano()).Seconds()
		return ctx.Err()
	})
	return did, perSecond, err
}
