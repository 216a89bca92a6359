package plan

import (
	"fmt"
	"net/netip"
)

// parseAddress reads one IPv4 or IPv6 address. It refuses what has two
// spellings for one destination (IPv4-mapped) or means something on one host
// only (a zone); the error says what to write.
func parseAddress(text string) (netip.Addr, error) {
	address, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return netip.Addr{}, fmt.Errorf("%s is not an IP address; write one such as 192.0.2.1 or 2001:db8::1, without leading zeros or prefix length", quote(text))
	case address.Is4In6():
		return netip.Addr{}, fmt.Errorf("%s is an IPv4-mapped IPv6 address; write it as IPv4: %s", quote(text), address.Unmap().WithZone(""))
	case address.Zone() != "":
		return netip.Addr{}, fmt.Errorf("%s has a zone; write it without: %s", quote(text), address.WithZone(""))
	}
	return address, nil
}
