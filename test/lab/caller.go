package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Call is a new connection to an echo server, from an address of the caller.
type Call struct {
	Protocol Protocol
	From     netip.Addr
	To       netip.AddrPort
}

func (c Call) String() string { return fmt.Sprintf("%s %s -> %s", c.Protocol, c.From, c.To) }

// Caller makes new connections at a steady pace, whether or not those before
// have been answered.
type Caller struct {
	namespace *Namespace
	patience  time.Duration
	lost      func(Loss)
	stop      chan struct{}
	done      sync.WaitGroup

	mutex    sync.Mutex
	made     int
	resent   int
	connects []time.Duration // how long TCP took, of those that did connect
}

// Loss is a call that was not answered as it should be.
type Loss struct {
	Call
	// At is when it was made.
	At time.Time
	// Connected is how long it took to connect; 0 where it did not.
	Connected time.Duration
	// Why it counts as lost.
	Why error
}

func (l Loss) String() string {
	return fmt.Sprintf("%s at %s: %v", l.Call, l.At.Format("15:04:05.000"), l.Why)
}

// CallReport sums up what a caller did.
type CallReport struct {
	Made int
	// Resent packets of calls that were not lost: a busy machine is late too.
	Resent int
	// Median, P99 and Longest of the times that TCP took to connect; the
	// start of a thread in the namespace is not in them.
	Median, P99, Longest time.Duration
}

// KeepCalling makes one of the calls after the other, one every interval, until
// Close. A call is lost if it is refused, if it is not answered within patience,
// or if its first packet had to be sent again; lost is told so from any
// goroutine.
func (n *Namespace) KeepCalling(every, patience time.Duration, lost func(Loss), calls ...Call) *Caller {
	c := &Caller{namespace: n, patience: patience, lost: lost, stop: make(chan struct{})}
	c.done.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for i := 0; ; i++ {
			select {
			case <-c.stop:
				return
			case <-ticker.C:
				c.done.Go(func() { c.make(calls[i%len(calls)]) })
			}
		}
	})
	return c
}

// Close waits for the last call and tells how all did.
func (c *Caller) Close() CallReport {
	close(c.stop)
	c.done.Wait()
	return c.Report()
}

// Report tells how the calls did so far.
func (c *Caller) Report() CallReport {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	report := CallReport{Made: c.made, Resent: c.resent}
	if sorted := slices.Sorted(slices.Values(c.connects)); len(sorted) > 0 {
		report.Median = sorted[len(sorted)/2]
		report.P99 = sorted[len(sorted)*99/100]
		report.Longest = sorted[len(sorted)-1]
	}
	return report
}

func (c *Caller) make(call Call) {
	loss := Loss{Call: call, At: time.Now()}
	var resent int
	loss.Connected, resent, loss.Why = c.namespace.call(call, c.patience)
	c.mutex.Lock()
	c.made++
	c.resent += resent
	if call.Protocol == TCP && loss.Connected > 0 {
		c.connects = append(c.connects, loss.Connected)
	}
	c.mutex.Unlock()
	if loss.Why != nil {
		c.lost(loss)
	}
}

// call connects, exchanges a line and hangs up. A first packet that was lost is
// an error even if the second came through in time.
func (n *Namespace) call(call Call, patience time.Duration) (connected time.Duration, resent int, err error) {
	var connection net.Conn
	err = n.Do(func() (err error) {
		started := time.Now()
		connection, err = dialHere(call.Protocol, call.From, call.To, patience)
		connected = time.Since(started)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = connection.Close() }()
	tcp, isTCP := connection.(*net.TCPConn)
	if isTCP {
		// Hang up with a reset: else tens of thousands of closed connections
		// would linger on either side.
		_ = tcp.SetLinger(0)
		if again, err := retransmissions(tcp); err != nil || again > 0 {
			return connected, again, errors.Join(fmt.Errorf("the first packet was sent %d times", again+1), err)
		}
	}
	if err := Echo(connection, patience); err != nil {
		return connected, 0, fmt.Errorf("connected, and then: %w", err)
	}
	if isTCP {
		resent, err = retransmissions(tcp)
	}
	return connected, resent, err
}

// retransmissions counts what the kernel had to send again on a connection.
func retransmissions(connection *net.TCPConn) (again int, err error) {
	info, err := tcpInfo(connection)
	if err != nil {
		return 0, err
	}
	return int(info.Total_retrans), nil
}

// tcpInfo is what the kernel knows of a connection.
func tcpInfo(connection *net.TCPConn) (info *unix.TCPInfo, err error) {
	raw, err := connection.SyscallConn()
	if err != nil {
		return nil, err
	}
	controlErr := raw.Control(func(socket uintptr) {
		info, err = unix.GetsockoptTCPInfo(int(socket), unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	return info, errors.Join(controlErr, err)
}
