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
	// callPatience is far more than an answer takes on a busy machine. A first
	// packet that is lost is sent again after a second, and the kernel tells.
	callPatience = 3 * time.Second
	// stallBound is of streams. A packet that is lost costs 200 ms or, as the
	// one that is sent instead may be lost too, twice as long as packets are
	// dropped; the rest is for a busy machine.
	stallBound = 2 * time.Second
	// sctpPatience is for a packet to get through the kernels.
	sctpPatience = time.Second
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

	through     lab.Packets     // already complained of
	stalled     map[string]bool // streams already complained of
	missing     map[string]int  // packets of streams that were lost, as of the last look
	sctpMissing int64           // already complained of
	stop        chan struct{}
	done        sync.WaitGroup
}

// figures sum up the traffic.
type figures struct {
	streams         int
	bytes           int64
	slowest         time.Duration
	resent          int
	needless        int
	tcp, udp        lab.CallReport
	sctp            int64
	probes, crowd   int64
	reads, replaced int
}

func (w *world) startTraffic(j *journal) (t *traffic, err error) {
	t = &traffic{
		world: w, journal: j,
		through: lab.Packets{}, stalled: map[string]bool{}, missing: map[string]int{}, stop: make(chan struct{}),
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
		t.journal.complain("a permitted connection is lost: %s\n%s", loss, t.world.whereLost(loss))
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
		// The other end may still be about to say that it had them already.
		lost := state.Resent - state.Needless
		lostForGood := min(lost, t.missing[stream.Name])
		t.missing[stream.Name] = lost
		if t.stalled[stream.Name] || state.Broken == nil && state.Slowest <= stallBound && lostForGood == 0 {
			continue
		}
		t.stalled[stream.Name] = true
		t.journal.complain("stream %s after %d bytes: lost %d packets; slowest %s, sent at %s; broken: %v",
			stream.Name, state.Bytes, lostForGood, state.Slowest, state.SlowestAt.Format("15:04:05.000"), state.Broken)
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

// lookAtSCTP wants every packet to arrive that is sent by now.
func (t *traffic) lookAtSCTP() error {
	sent := t.sctp.Sent()
	for deadline := time.Now().Add(sctpPatience); ; time.Sleep(pollInterval) {
		arrived, err := t.sctp.Arrived()
		if missing := sent - arrived; err != nil || missing <= t.sctpMissing {
			return err
		} else if time.Now().After(deadline) {
			t.sctpMissing = missing
			t.journal.complain("of %d SCTP packets %d did not arrive", sent, missing)
			return nil
		}
	}
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
		f.resent += state.Resent
		f.needless += state.Needless
	}
	return f, errors.Join(t.hammer.Close(), t.sctp.Close(), t.crowd.Close())
}

func (f figures) String() string {
	return fmt.Sprintf(`%d streams carried %d bytes, the slowest of which took %s; %d packets sent again, %d of them needlessly
%d TCP connections: median %s, p99 %s, longest %s to connect; %d packets sent again
%d UDP exchanges, %d SCTP packets, %d packets of a crowd
%d probes at closed doors
%d readings of the counters, during which the table was replaced %d times`,
		f.streams, f.bytes, f.slowest, f.resent, f.needless, f.tcp.Made, f.tcp.Median, f.tcp.P99, f.tcp.Longest, f.tcp.Resent,
		f.udp.Made, f.sctp, f.crowd, f.probes, f.reads, f.replaced)
}
