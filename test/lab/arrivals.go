package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Arrival tells UDP datagrams apart.
type Arrival struct {
	SourcePort uint16
	To         netip.AddrPort
}

// Arrivals notes when datagrams first came to a namespace, whether or not anybody
// serves there. Unlike an [Observer] it tells the time.
type Arrivals struct {
	socket int
	stop   chan struct{}
	done   sync.WaitGroup

	mutex  sync.Mutex
	first  map[Arrival]time.Time
	failed error
}

// arrivalsPause is how soon the noting ends when it is told to.
const arrivalsPause = 50 * time.Millisecond

// NoteArrivals notes UDP datagrams by IPv4 from now on.
func (n *Namespace) NoteArrivals() (*Arrivals, error) {
	a := &Arrivals{stop: make(chan struct{}), first: map[Arrival]time.Time{}}
	pause := unix.NsecToTimeval(arrivalsPause.Nanoseconds())
	err := n.Do(func() (err error) {
		if a.socket, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP); err != nil {
			return err
		}
		return errors.Join(
			unix.SetsockoptInt(a.socket, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketQueue),
			unix.SetsockoptTimeval(a.socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &pause))
	})
	if err != nil {
		return nil, fmt.Errorf("note arrivals in namespace %s: %w", n.Name, err)
	}
	a.done.Go(a.note)
	return a, nil
}

func (a *Arrivals) note() {
	packet := make([]byte, 2048)
	for {
		select {
		case <-a.stop:
			return
		default:
		}
		length, _, err := unix.Recvfrom(a.socket, packet, 0)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			a.mutex.Lock()
			a.failed = err
			a.mutex.Unlock()
			return
		}
		if arrival, ok := arrivalOf(packet[:length]); ok {
			a.add(arrival, time.Now())
		}
	}
}

// arrivalOf reads the headers of IPv4 and UDP.
func arrivalOf(packet []byte) (Arrival, bool) {
	if len(packet) < 20 {
		return Arrival{}, false
	}
	header := int(packet[0]&0x0f) * 4
	if len(packet) < header+8 {
		return Arrival{}, false
	}
	to := netip.AddrFrom4([4]byte(packet[16:20]))
	ports := packet[header:]
	return Arrival{binary.BigEndian.Uint16(ports), netip.AddrPortFrom(to, binary.BigEndian.Uint16(ports[2:]))}, true
}

func (a *Arrivals) add(arrival Arrival, at time.Time) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if _, known := a.first[arrival]; !known {
		a.first[arrival] = at
	}
}

// First is when each of those so far first came.
func (a *Arrivals) First() map[Arrival]time.Time {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return maps.Clone(a.first)
}

// Close ends the noting. Its error says why it ended before.
func (a *Arrivals) Close() error {
	close(a.stop)
	a.done.Wait()
	return errors.Join(a.failed, unix.Close(a.socket))
}
