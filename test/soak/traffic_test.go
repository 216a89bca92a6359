package soak

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/nft-operator/nft-operator/test/lab"
)

// Bounds of what may happen to traffic that is permitted.
const (
	// callPatience is less than the second after which a first packet is sent
	// again: a call that takes longer has lost one.
	callPatience = 900 * time.Millisecond
	// stallBound of a stream is for a busy machine. A single lost packet costs
	// 200 ms.
	stallBound = time.Second
)

// How often new connections are made.
const (
	tcpInterval = 10 * time.Millisecond
	udpInterval = 50 * time.Millisecond
	watchPeriod = 500 * time.Millisecond
)

// Source ports of packets that are no connections; the lab uses those above.
const (
	sctpSourcePort  = 61997
	crowdSourcePort = 61996
)

var (
	sctpPace  = lab.Pace{Packets: 1, Every: 50 * time.Millisecond}
	crowdPace = lab.Pace{Packets: 4, Every: 10 * time.Millisecond}
)

// traffic goes on for the whole time, and is watched.
type traffic struct {
	world   *world
	journal *journal

	streams  []*lab.Stream
	tcp, udp *lab.Caller
	sctp     *lab.Delivery
	crowd    *lab.Delivery
	hammer   *lab.Hammer

	through  lab.Packets     // already complained of
	stalled  map[string]bool // streams already complained of
	sctpSent int64           // at the last watch
	stop     chan struct{}
	done     sync.WaitGroup
}

// figures sum up the traffic.
type figures struct {
	streams         int
	bytes           int64
	slowest         time.Duration
	tcp, udp        lab.CallReport
	sctp            int64
	probes, crowd   int64
	reads, replaced int
}

func (w *world) startTraffic(j *journal) (t *traffic, err error) {
	t = &traffic{
		world: w, journal: j,
		through: lab.Packets{}, stalled: map[string]bool{}, stop: make(chan struct{}),
	}
	w.ledger.forget()
	if err := t.openStreams(); err != nil {
		return nil, err
	}
	t.tcp = t.keepCalling(tcpInterval, lab.TCP)
	t.udp = t.keepCalling(udpInterval, lab.UDP)
	if t.sctp, err = w.net.Deliver(w.gateway, sctpSourcePort, sctpPace, sctpTargets()...); err != nil {
		return nil, err
	}
	if t.crowd, err = w.net.Deliver(w.gateway, crowdSourcePort, crowdPace, crowdTargets()...); err != nil {
		return nil, err
	}
	if t.hammer, err = w.net.Hammer(w.gateway, w.closedDoors()...); err != nil {
		return nil, err
	}
	t.done.Go(t.watch)
	return t, nil
}

// openStreams opens one to every steady TCP door, and one of each family from a
// load balancer address out to the client, whose replies no Service lets in.
func (t *traffic) openStreams() error {
	client := t.world.net.Client
	for _, door := range steadyDoors(lab.TCP) {
		if err := t.openStream(client.Namespace, client.Primary.Like(door.at.Addr()), door.at); err != nil {
			return err
		}
	}
	for _, from := range pair(emptyNumber) {
		at := netip.AddrPortFrom(client.Primary.Like(from), outsidePort)
		if err := t.openStream(t.world.net.Node.Namespace, from, at); err != nil {
			return err
		}
	}
	return nil
}

// outsidePort is where the client serves.
const outsidePort = 7777

func (t *traffic) openStream(by *lab.Namespace, from netip.Addr, to netip.AddrPort) error {
	stream, err := by.OpenStream(from, to, settlePatience)
	if err == nil {
		t.streams = append(t.streams, stream)
	}
	return err
}

func (t *traffic) keepCalling(every time.Duration, protocol lab.Protocol) *lab.Caller {
	client := t.world.net.Client
	var calls []lab.Call
	for _, door := range steadyDoors(protocol) {
		calls = append(calls, lab.Call{Protocol: protocol, From: client.Primary.Like(door.at.Addr()), To: door.at})
	}
	return client.KeepCalling(every, callPatience, func(loss lab.Loss) {
		t.journal.complain("a permitted connection is lost: %s", loss)
	}, calls...)
}

// watch looks at everything that does not speak up by itself.
func (t *traffic) watch() {
	ticker := time.NewTicker(watchPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-ticker.C:
			t.look()
		}
	}
}

func (t *traffic) look() {
	t.lookAtStreams()
	for _, look := range []func() error{t.lookAtClosedDoors, t.lookAtSCTP, t.lookAtCounters} {
		if err := look(); err != nil {
			t.journal.complain("the watch itself fails: %v", err)
		}
	}
}

func (t *traffic) lookAtStreams() {
	for _, stream := range t.streams {
		state := stream.State()
		if t.stalled[stream.Name] || state.Broken == nil && state.Slowest <= stallBound {
			continue
		}
		t.stalled[stream.Name] = true
		t.journal.complain("stream %s after %d bytes: slowest %s, sent at %s; broken: %v",
			stream.Name, state.Bytes, state.Slowest, state.SlowestAt.Format("15:04:05.000"), state.Broken)
	}
}

func (t *traffic) lookAtClosedDoors() error {
	through, err := t.hammer.Through()
	for packet := range through {
		if _, known := t.through[packet]; !known {
			t.through[packet] = struct{}{}
			t.journal.complain("through a closed door came %s", packet)
		}
	}
	return err
}

// lookAtSCTP wants everything to have arrived that had been sent a watch ago.
func (t *traffic) lookAtSCTP() error {
	sent := t.sctp.Sent()
	arrived, err := t.sctp.Arrived()
	if err == nil && arrived < t.sctpSent {
		t.journal.complain("of %d SCTP packets only %d arrived", t.sctpSent, arrived)
	}
	t.sctpSent = sent
	return err
}

func (t *traffic) lookAtCounters() error {
	return t.world.ledger.read(t.world.readKernel, func(lost string) { t.journal.complain("%s", lost) })
}

// finish ends the traffic, after a last look at all of it.
func (t *traffic) finish() (figures, error) {
	close(t.stop)
	t.done.Wait()
	t.look()
	f := figures{
		tcp: t.tcp.Close(), udp: t.udp.Close(),
		sctp: t.sctp.Sent(), crowd: t.crowd.Sent(), probes: t.hammer.Sent(),
		reads: t.world.ledger.reads, replaced: t.world.ledger.replaced, streams: len(t.streams),
	}
	for _, stream := range t.streams {
		state := stream.Close()
		f.bytes += state.Bytes
		f.slowest = max(f.slowest, state.Slowest)
	}
	return f, errors.Join(t.hammer.Close(), t.sctp.Close(), t.crowd.Close())
}

func (f figures) String() string {
	return fmt.Sprintf(`%d streams carried %d bytes, the slowest of which took %s
%d TCP connections: median %s, p99 %s, longest %s to connect; %d packets sent again
%d UDP exchanges, %d SCTP packets, %d packets of a crowd
%d probes at closed doors
%d readings of the counters, during which the table was replaced %d times`,
		f.streams, f.bytes, f.slowest, f.tcp.Made, f.tcp.Median, f.tcp.P99, f.tcp.Longest, f.tcp.Resent,
		f.udp.Made, f.sctp, f.crowd, f.probes, f.reads, f.replaced)
}
