package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// MeasureGoodput sends over one TCP connection from the client to the node as
// fast as it goes, waits for so long, and then measures for so long: bits of
// payload per second.
func (t *Topology) MeasureGoodput(ctx context.Context, wait, measure time.Duration, from netip.Addr, to netip.AddrPort) (float64, error) {
	var listener net.Listener
	err := t.Node.Do(func() (err error) {
		listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", to.String())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("listen at %s: %w", to, err)
	}
	defer func() { _ = listener.Close() }()
	var received atomic.Int64
	go receiveAll(listener, &received)
	connection, err := t.Client.Dial(TCP, from, to, 10*time.Second)
	if err != nil {
		return 0, err
	}
	defer func() { _ = connection.Close() }()
	go sendAlways(connection)
	if err := sleep(ctx, wait); err != nil {
		return 0, err
	}
	began, before := time.Now(), received.Load()
	if err := sleep(ctx, measure); err != nil {
		return 0, err
	}
	return float64(received.Load()-before) * 8 / time.Since(began).Seconds(), nil
}

func receiveAll(listener net.Listener, received *atomic.Int64) {
	connection, err := listener.Accept()
	if err != nil {
		return
	}
	defer func() { _ = connection.Close() }()
	buffer := make([]byte, 1<<18)
	for {
		count, err := connection.Read(buffer)
		received.Add(int64(count))
		if err != nil {
			return
		}
	}
}

func sendAlways(connection net.Conn) {
	buffer := make([]byte, 1<<18)
	for {
		if _, err := connection.Write(buffer); err != nil {
			return
		}
	}
}
