package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// connectPatience is far more than a connection takes.
	connectPatience = 5 * time.Second
	listenBacklog   = 4096
)

// MeasureConnections makes TCP connections from the client to the node one after
// the other, each ended by a reset, so that neither side keeps it: how many come
// about in a second of the processor that does so. It ends after most of them or
// after within, whichever comes first.
func (t *Topology) MeasureConnections(ctx context.Context, most int, within time.Duration, to netip.AddrPort) (perSecond float64, err error) {
	stop, err := t.Node.acceptAll(to)
	if err != nil {
		return 0, fmt.Errorf("listen at %s: %w", to, err)
	}
	defer stop()
	_, perSecond, err = t.Client.repeat(ctx, most, within, func(number int) error {
		socket, err := connect(to, connectPatience)
		if err != nil {
			return fmt.Errorf("connection %d to %s: %w", number, to, err)
		}
		return reset(socket)
	})
	return perSecond, err
}

// acceptAll accepts connections and ends them, until it is stopped.
func (n *Namespace) acceptAll(at netip.AddrPort) (stop func(), err error) {
	var listener int
	err = n.Do(func() (err error) {
		listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return errors.Join(
			unix.SetsockoptInt(listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
			unix.Bind(listener, socketAddress(at)), unix.Listen(listener, listenBacklog))
	})
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			socket, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
			switch {
			case err == nil:
				_ = unix.Close(socket)
			case !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ECONNABORTED):
				return
			}
		}
	}()
	return func() {
		_ = unix.Shutdown(listener, unix.SHUT_RDWR) // wakes who accepts
		<-ended
		_ = unix.Close(listener)
	}, nil
}

// connect opens a TCP connection from the namespace of this thread. It sends
// one SYN where patience is less than a second.
func connect(to netip.AddrPort, patience time.Duration) (socket int, err error) {
	for {
		// Go's runtime signals its threads, after which the kernel goes on by itself.
		if socket, err = connectOnce(to, patience); !errors.Is(err, unix.EINTR) {
			return socket, err
		}
	}
}

func connectOnce(to netip.AddrPort, patience time.Duration) (socket int, err error) {
	socket, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	limit := unix.NsecToTimeval(patience.Nanoseconds())
	err = unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit)
	if err == nil {
		err = unix.Connect(socket, socketAddress(to))
	}
	if err != nil {
		_ = unix.Close(socket)
		return 0, err
	}
	return socket, nil
}

// reset ends a connection at both sides at once.
func reset(socket int) error {
	return errors.Join(
		unix.SetsockoptLinger(socket, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}), unix.Close(socket))
}

func socketAddress(of netip.AddrPort) unix.Sockaddr {
	return &unix.SockaddrInet4{Port: int(of.Port()), Addr: of.Addr().As4()}
}

// TryHere reports whether a TCP connection comes about from the namespace of this
// thread, see [Namespace.Do], and ends it again. Where patience is less than a
// second, one packet has to suffice.
func TryHere(to netip.AddrPort, patience time.Duration) (through bool, err error) {
	socket, err := connect(to, patience)
	switch {
	case errors.Is(err, unix.EINPROGRESS), errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ETIMEDOUT):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("connect to %s: %w", to, err)
	}
	return true, reset(socket)
}
