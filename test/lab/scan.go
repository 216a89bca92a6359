package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Scan says which packets to send from the client through a gateway.
type Scan struct {
	// Via is the gateway that gets the packets, whatever the client's routes.
	Via Router
	// Destinations are addresses of the node, in the load balancer networks for example.
	Destinations []netip.Addr
	// Sources are the packets' source addresses; the client's primary ones where empty.
	// Each destination gets packets from the sources of its family.
	Sources []netip.Addr
	// Protocols to try; all where empty.
	Protocols []Protocol
	// FirstPort and LastPort bound the ports to try; 1 and 65535 where both are 0.
	FirstPort, LastPort uint16
	// SourcePort of all packets; where 0, one that no other program uses.
	SourcePort uint16
}

const (
	// scanSourcePort lies above the ports that the kernel gives to sockets.
	scanSourcePort = 61999
	// scanAttempts at a scan of which the machine, being busy, lost packets.
	scanAttempts = 4
)

// Scan sends one packet that opens something to every address, protocol and
// port asked for, and returns those that came to the node. The node takes them
// away after noting them, so it answers none. Packets from another source port
// are not touched, so servers go on meanwhile.
func (t *Topology) Scan(scan Scan) (arrived Packets, err error) {
	scan = scan.withDefaults(t)
	if err := scan.check(); err != nil {
		return nil, err
	}
	size := len(scan.Destinations) * len(scan.Sources) * (int(scan.LastPort) - int(scan.FirstPort) + 1)
	observer, err := t.Node.observe(arriving, fmt.Sprintf("th sport %d", scan.SourcePort), size, "drop")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, observer.Close()) }()
	if err := t.sendUntilNoneIsLost(scan); err != nil {
		return nil, err
	}
	return observer.Seen()
}

func (s Scan) withDefaults(t *Topology) Scan {
	if len(s.Sources) == 0 {
		s.Sources = t.Client.Primary.All()
	}
	if len(s.Protocols) == 0 {
		s.Protocols = Protocols
	}
	if s.FirstPort == 0 && s.LastPort == 0 {
		s.FirstPort, s.LastPort = 1, 65535
	}
	if s.SourcePort == 0 {
		s.SourcePort = scanSourcePort
	}
	return s
}

func (s Scan) check() error {
	if s.Via == nil || len(s.Destinations) == 0 {
		return errors.New("a scan needs a gateway to go through and at least one destination")
	}
	if s.LastPort < s.FirstPort {
		return fmt.Errorf("a scan from port %d to port %d tries none", s.FirstPort, s.LastPort)
	}
	return nil
}

// sendUntilNoneIsLost repeats a scan while the kernel says that it dropped
// packets because a queue was full: what was filtered and what was lost look
// the same at the other end.
func (t *Topology) sendUntilNoneIsLost(scan Scan) error {
	for range scanAttempts {
		before, err := lostPackets()
		if err != nil {
			return err
		}
		if err := t.send(scan); err != nil {
			return err
		}
		after, err := lostPackets()
		if err != nil {
			return err
		}
		if after == before {
			return nil
		}
	}
	return fmt.Errorf("the machine lost packets in each of %d scans; it is too busy to scan", scanAttempts)
}

// lostPackets counts, over the machine, packets that found a queue between
// interfaces full.
func lostPackets() (total uint64, err error) {
	content, err := os.ReadFile("/proc/net/softnet_stat")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			return 0, fmt.Errorf("/proc/net/softnet_stat has a line %q", line)
		}
		dropped, err := strconv.ParseUint(fields[1], 16, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/net/softnet_stat: %w", err)
		}
		total += dropped
	}
	return total, nil
}

// send sends every packet of a scan once, on all processors.
func (t *Topology) send(scan Scan) error {
	frames, link, err := t.frames(scan)
	if err != nil {
		return err
	}
	work := make(chan *frame, len(frames))
	for _, frame := range frames {
		work <- frame
	}
	close(work)
	failures := make([]error, runtime.NumCPU())
	var senders sync.WaitGroup
	for i := range failures {
		senders.Go(func() { failures[i] = t.Client.sendFrames(link, work, scan.FirstPort, scan.LastPort) })
	}
	senders.Wait()
	return errors.Join(failures...)
}

// frames makes one frame for each source, destination and protocol, and says
// which of the client's interfaces sends them.
func (t *Topology) frames(scan Scan) (frames []*frame, link int, err error) {
	ends, link, err := t.wayTo(scan.Via)
	if err != nil {
		return nil, 0, err
	}
	for _, destination := range scan.Destinations {
		for _, source := range scan.Sources {
			if source.Is4() != destination.Is4() {
				continue
			}
			for _, protocol := range scan.Protocols {
				frames = append(frames, newFrame(ends, protocol, netip.AddrPortFrom(source, scan.SourcePort), destination))
			}
		}
	}
	return frames, link, nil
}

// sendFrames sends each frame to all ports of a range, from an interface.
func (n *Namespace) sendFrames(link int, frames <-chan *frame, first, last uint16) error {
	socket, err := n.packetSocket(link)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(socket) }()
	for frame := range frames {
		for port := int(first); port <= int(last); port++ {
			frame.setPort(uint16(port))
			if err := sendAll(socket, frame.bytes); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendAll sends a frame when there is room for it.
func sendAll(socket int, frame []byte) error {
	for {
		_, err := unix.Write(socket, frame)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENOBUFS):
			runtime.Gosched()
		default:
			return fmt.Errorf("send: %w", err)
		}
	}
}
