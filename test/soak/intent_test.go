package soak

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/nft-operator/nft-operator/test/lab"
)

// port is what a Service opens at each of its addresses.
type port struct {
	protocol lab.Protocol
	number   uint16
}

// service is what a Service asks for, as far as the soak changes it.
type service struct {
	name      string
	addresses []netip.Addr
	ports     []port
	ranges    []string
	// steady ones carry the traffic that must never be lost: they are never
	// deleted, their first ports never closed, the client's primary addresses
	// never excluded.
	steady bool
}

// door is one address, protocol and port.
type door struct {
	protocol lab.Protocol
	at       netip.AddrPort
}

func (d door) String() string { return fmt.Sprintf("%s %s", d.protocol, d.at) }

func (s service) String() string {
	return fmt.Sprintf("%s at %v, ports %v, for %v", s.name, s.addresses, s.ports, s.ranges)
}

// doors are what the Service opens: where its ranges are all of the other
// family, nobody could come in, and so there is no door.
func (s service) doors() (doors []door) {
	for _, address := range s.addresses {
		if !s.admitsFamilyOf(address) {
			continue
		}
		for _, port := range s.ports {
			doors = append(doors, door{port.protocol, netip.AddrPortFrom(address, port.number)})
		}
	}
	return doors
}

// comment is how the gateway's elements name the Service.
func (s service) comment() string { return namespace + "/" + s.name }

// admits says whether the Service lets an address in.
func (s service) admits(from netip.Addr) bool {
	return len(s.ranges) == 0 || slices.ContainsFunc(s.ranges, func(text string) bool {
		return netip.MustParsePrefix(text).Contains(from)
	})
}

func (s service) admitsFamilyOf(address netip.Addr) bool {
	return len(s.ranges) == 0 || slices.ContainsFunc(s.ranges, func(text string) bool {
		return netip.MustParsePrefix(text).Addr().Is4() == address.Is4()
	})
}

// intent is every Service that there is, by name.
type intent struct {
	services map[string]service
}

func newIntent() *intent { return &intent{services: map[string]service{}} }

// doors maps all that should be open to the comment of the Service.
func (i *intent) doors() map[door]string {
	all := map[door]string{}
	for _, service := range i.services {
		for _, door := range service.doors() {
			all[door] = service.comment()
		}
	}
	return all
}

// churned are the names of the Services that come and go, in order.
func (i *intent) churned() (names []string) {
	for _, name := range slices.Sorted(maps.Keys(i.services)) {
		if !i.services[name].steady {
			names = append(names, name)
		}
	}
	return names
}

// pair is an IPv4 and an IPv6 address with the same host part, of two digits.
func pair(number int) []netip.Addr {
	return []netip.Addr{
		netip.MustParseAddr(fmt.Sprintf("203.0.113.%d", number)),
		netip.MustParseAddr(fmt.Sprintf("2001:db8:1b::%d", number)),
	}
}

// Names and addresses of the steady Services.
const (
	web      = "web"      // open for everybody
	guarded  = "guarded"  // always for the client's primary addresses, never for its secondary ones
	wavering = "wavering" // for everybody, or for some ranges with the primary addresses in them

	webNumber, guardedNumber, waveringNumber = 10, 11, 12
	// markerNumber is the address of a Service that shows how far the operator is.
	markerNumber = 13
	// emptyNumber is an address without a Service, for ever.
	emptyNumber = 14
	// firstChurned is the address of the first Service that comes and goes.
	firstChurned = 30
)

func steadyServices() []service {
	return []service{
		{name: web, addresses: pair(webNumber), ports: []port{{lab.TCP, 80}, {lab.UDP, 53}, {lab.SCTP, 3868}}, steady: true},
		{name: guarded, addresses: pair(guardedNumber), ports: []port{{lab.TCP, 443}, {lab.UDP, 443}},
			ranges: []string{"198.51.100.10/32", "2001:db8:c::10/128"}, steady: true},
		{name: wavering, addresses: pair(waveringNumber), ports: []port{{lab.TCP, 443}}, steady: true},
	}
}
