package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
)

// Packet is what an observer notes of a packet.
type Packet struct {
	Source, Destination netip.Addr
	Protocol            Protocol
	Port                uint16 // destination port
}

func (p Packet) String() string {
	return fmt.Sprintf("%s -> %s %s", p.Source, netip.AddrPortFrom(p.Destination, p.Port), p.Protocol)
}

// Packets is a set of them.
type Packets map[Packet]struct{}

// Observer notes in the kernel which packets come into a namespace, before
// anything there can judge them. Unlike a capture it misses none.
type Observer struct {
	namespace *Namespace
	table     string
}

// observedPackets is how many different packets of each family and protocol an
// observer has room for.
const observedPackets = 1 << 16

var observers atomic.Int32

// Observe notes every TCP, UDP and SCTP packet from now on; replies to the
// namespace's own connections too.
func (n *Namespace) Observe() (*Observer, error) {
	return n.observe(arriving, "", observedPackets, "accept")
}

// Where an observer stands: before anything can judge a packet, or behind the
// rules that judge what is for the namespace itself.
const (
	arriving = "prerouting priority -400"
	admitted = "input priority 400"
)

// observe notes packets that match where they pass, and does with them as the
// verdict says. It has room for size different ones of each family and protocol.
func (n *Namespace) observe(where, match string, size int, verdict string) (*Observer, error) {
	o := &Observer{namespace: n, table: fmt.Sprintf("observer%d", observers.Add(1))}
	var sets, rules strings.Builder
	for _, kind := range observedKinds() {
		fmt.Fprintf(&sets, "\tset %s { typeof %[2]s saddr . %[2]s daddr . th dport; flags dynamic; size %[3]d; }\n",
			kind.set(), kind.header, size)
		fmt.Fprintf(&rules, "\t\tmeta nfproto %s meta l4proto %s add @%s { %[4]s saddr . %[4]s daddr . th dport }\n",
			kind.family, kind.protocol, kind.set(), kind.header)
	}
	return o, n.Nft(fmt.Sprintf(`table inet %s {
%s	chain passing {
		type filter hook %s; policy accept;
		meta l4proto { tcp, udp, sctp } %s goto note
	}
	chain note {
%s		%s
	}
}
`, o.table, &sets, where, match, &rules, verdict))
}

// observedKind has a set of its own: to list one big set takes far longer than
// to list several small ones.
type observedKind struct {
	family, header string
	addressLength  int
	protocol       Protocol
}

func observedKinds() (kinds []observedKind) {
	for _, protocol := range Protocols {
		kinds = append(kinds, observedKind{"ipv4", "ip", 4, protocol}, observedKind{"ipv6", "ip6", 16, protocol})
	}
	return kinds
}

func (k observedKind) set() string { return k.family + "_" + string(k.protocol) }

// packet reads a set's key.
func (k observedKind) packet(key []byte) (Packet, error) {
	source, sourceFits := netip.AddrFromSlice(key[:min(len(key), k.addressLength)])
	rest := key[min(len(key), k.addressLength):]
	destination, destinationFits := netip.AddrFromSlice(rest[:min(len(rest), k.addressLength)])
	rest = rest[min(len(rest), k.addressLength):]
	if !sourceFits || !destinationFits || len(rest) < 2 {
		return Packet{}, fmt.Errorf("an observer's key has %d bytes", len(key))
	}
	return Packet{Source: source, Destination: destination, Protocol: k.protocol, Port: binary.BigEndian.Uint16(rest)}, nil
}

// Seen lists the packets noted so far.
func (o *Observer) Seen() (Packets, error) {
	seen := Packets{}
	for _, kind := range observedKinds() {
		keys, err := o.namespace.SetElements(o.table, kind.set())
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			packet, err := kind.packet(key)
			if err != nil {
				return nil, err
			}
			seen[packet] = struct{}{}
		}
	}
	return seen, nil
}

// Close ends the noting.
func (o *Observer) Close() error {
	return o.namespace.Nft("delete table inet " + o.table + "\n")
}
