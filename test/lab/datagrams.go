package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// datagramsPort is where measured datagrams come from.
const datagramsPort = 61997

// MeasureDatagrams sends UDP datagrams by IPv4 from the client to the node, where
// the kernel counts them and takes them away: how many get there in a second of
// the processor that sends them. It ends after most of them or after within,
// whichever comes first. It is an error if any is lost.
func (t *Topology) MeasureDatagrams(ctx context.Context, most int, within time.Duration, payload int, to netip.AddrPort) (perSecond float64, err error) {
	arrivals, err := t.Node.countArriving(datagramsPort)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, arrivals.remove()) }()
	var socket int
	err = t.Client.Do(func() (err error) {
		socket, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return errors.Join(unix.Bind(socket, &unix.SockaddrInet4{Port: datagramsPort}), unix.Connect(socket, socketAddress(to)))
	})
	if err != nil {
		return 0, fmt.Errorf("send to %s: %w", to, err)
	}
	defer func() { _ = unix.Close(socket) }()
	datagram := make([]byte, payload)
	sent, perSecond, err := t.Client.repeat(ctx, most, within, func(int) error {
		_, err := unix.Write(socket, datagram)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("send to %s: %w", to, err)
	}
	arrived, err := arrivals.Arrived()
	if err == nil && arrived != int64(sent) {
		err = fmt.Errorf("of %d datagrams to %s %d arrived", sent, to, arrived)
	}
	return perSecond, err
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
