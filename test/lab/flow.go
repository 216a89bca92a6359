package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// Flow is a stream of UDP datagrams from the client to the node at a steady
// rate, whatever becomes of them.
type Flow struct {
	From netip.Addr
	To   netip.AddrPort
	// BitsPerSecond that are offered, headers of IP and UDP included.
	BitsPerSecond float64
	// Payload of a datagram in bytes; 1,400 where it is 0. Where it is given,
	// each is handed to the kernel by itself.
	Payload int
}

// Rates of flows, in bits per second, as they were offered and as they arrived:
// both are sizes of IP packets.
type Rates struct{ Offered, Arrived float64 }

const (
	datagram = 1400 // bytes of payload
	// Above this rate the sender hands the kernel many datagrams in one piece.
	segmentFrom = 200e6 // bits per second
	segments    = 40
	sendEvery   = time.Millisecond
	batch       = 64
	socketQueue = 64 << 20
	udpSegment  = 103 // UDP_SEGMENT of linux/udp.h
	udpGRO      = 104
)

// MeasureFlows sends all flows at once, waits for so long, and then measures for
// so long.
func (t *Topology) MeasureFlows(ctx context.Context, wait, measure time.Duration, flows ...Flow) ([]Rates, error) {
	ctx, cancel := context.WithCancel(ctx)
	running := make([]*runningFlow, len(flows))
	var done sync.WaitGroup
	defer func() {
		cancel()
		for _, flow := range running {
			flow.close()
		}
		done.Wait()
	}()
	for i, flow := range flows {
		var err error
		if running[i], err = t.openFlow(flow); err != nil {
			return nil, err
		}
		done.Go(running[i].receive)
	}
	done.Go(func() { sendFlows(ctx, running) })
	if err := sleep(ctx, wait); err != nil {
		return nil, err
	}
	began, before := time.Now(), readFlows(running)
	if err := sleep(ctx, measure); err != nil {
		return nil, err
	}
	took, after := time.Since(began).Seconds(), readFlows(running)
	rates := make([]Rates, len(flows))
	var failed error
	for i := range rates {
		rates[i] = Rates{(after[i].Offered - before[i].Offered) * 8 / took, (after[i].Arrived - before[i].Arrived) * 8 / took}
		failed = errors.Join(failed, running[i].failed())
	}
	return rates, failed
}

func sleep(ctx context.Context, duration time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(duration):
		return nil
	}
}

// runningFlow has a socket at each end.
type runningFlow struct {
	Flow
	sender, receiver *net.UDPConn
	batch            *ipv4.PacketConn
	payload          []byte
	headers          int     // bytes
	credit           float64 // bytes that may be sent
	offered, arrived atomic.Int64
	failure          atomic.Value
}

func (t *Topology) openFlow(flow Flow) (*runningFlow, error) {
	f := &runningFlow{Flow: flow, headers: 28, payload: make([]byte, cmp.Or(flow.Payload, datagram))}
	if flow.To.Addr().Is6() {
		f.headers = 48
	}
	err := t.Node.Do(func() (err error) {
		f.receiver, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(flow.To))
		return err
	})
	if err != nil {
		return f, fmt.Errorf("receive at %s: %w", flow.To, err)
	}
	err = t.Client.Do(func() (err error) {
		f.sender, err = net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(flow.From, 0)), net.UDPAddrFromAddrPort(flow.To))
		return err
	})
	if err != nil {
		return f, fmt.Errorf("send to %s: %w", flow.To, err)
	}
	f.batch = ipv4.NewPacketConn(f.sender)
	options := []socketOption{{f.receiver, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketQueue}, {f.receiver, unix.SOL_UDP, udpGRO, 1}}
	if flow.BitsPerSecond >= segmentFrom && flow.Payload == 0 {
		f.payload = make([]byte, segments*datagram)
		options = append(options, socketOption{f.sender, unix.SOL_UDP, udpSegment, datagram})
	}
	for _, option := range options {
		if err := option.set(); err != nil {
			return f, err
		}
	}
	return f, nil
}

type socketOption struct {
	socket             *net.UDPConn
	level, name, value int
}

func (o socketOption) set() error {
	raw, err := o.socket.SyscallConn()
	if err != nil {
		return err
	}
	controlErr := raw.Control(func(socket uintptr) { err = unix.SetsockoptInt(int(socket), o.level, o.name, o.value) })
	return errors.Join(controlErr, err)
}

func (f *runningFlow) close() {
	if f == nil {
		return
	}
	for _, socket := range []*net.UDPConn{f.sender, f.receiver} {
		if socket != nil {
			_ = socket.Close()
		}
	}
}

func (f *runningFlow) failed() error {
	err, _ := f.failure.Load().(error)
	return err
}

// receive counts what arrives until the socket is closed.
func (f *runningFlow) receive() {
	reader := ipv4.NewPacketConn(f.receiver)
	messages := make([]ipv4.Message, batch)
	for i := range messages {
		messages[i].Buffers = [][]byte{make([]byte, 1<<16)}
	}
	for {
		count, err := reader.ReadBatch(messages, 0)
		if err != nil {
			return
		}
		for _, message := range messages[:count] {
			f.arrived.Add(int64(message.N + f.headers))
		}
	}
}

// sendFlows sends what each flow's rate allows, a millisecond's worth at a time.
func sendFlows(ctx context.Context, flows []*runningFlow) {
	ticker := time.NewTicker(sendEvery)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := time.Now()
		passed := min(now.Sub(last), 20*sendEvery).Seconds() // who was late does not make up for all of it
		last = now
		for _, flow := range flows {
			flow.send(passed)
		}
	}
}

func (f *runningFlow) send(passed float64) {
	f.credit += f.BitsPerSecond / 8 * passed
	size := float64(len(f.payload) + f.headers)
	count := int(f.credit / size)
	messages := make([]ipv4.Message, min(count, batch))
	for i := range messages {
		messages[i].Buffers = [][]byte{f.payload}
	}
	for count > 0 {
		sent, err := f.batch.WriteBatch(messages[:min(count, batch)], 0)
		if err != nil {
			f.failure.CompareAndSwap(nil, fmt.Errorf("send to %s: %w", f.To, err))
			return
		}
		count -= sent
		f.credit -= float64(sent) * size
		f.offered.Add(int64(float64(sent) * size))
	}
}

func readFlows(flows []*runningFlow) []Rates {
	counts := make([]Rates, len(flows))
	for i, flow := range flows {
		counts[i] = Rates{float64(flow.offered.Load()), float64(flow.arrived.Load())}
	}
	return counts
}
