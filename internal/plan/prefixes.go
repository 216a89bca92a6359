package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// parsePrefix reads one range in the form address/length and clears its host
// bits. The error says what to write.
func parsePrefix(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, explainPrefix(text)
	}
	if prefix.Addr().Is4In6() {
		return netip.Prefix{}, mappedPrefix(text)
	}
	return prefix.Masked(), nil
}

// explainPrefix says what is wrong with a range that did not parse.
func explainPrefix(text string) error {
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("%s is blank; remove it, or write a range such as 198.51.100.0/24", quote(text))
	}
	before, _, hasLength := strings.Cut(text, "/")
	address, err := netip.ParseAddr(before)
	switch {
	case err != nil:
		return fmt.Errorf("%s is not a range; write address/length without leading zeros, such as 198.51.100.0/24 or 2001:db8::/32", quote(text))
	case address.Zone() != "":
		return fmt.Errorf("%s has a zone; write the range without it", quote(text))
	case address.Is4In6():
		return mappedPrefix(text)
	case !hasLength:
		return fmt.Errorf("%s has no prefix length; write %s/%d for this one address", quote(text), address, address.BitLen())
	}
	return fmt.Errorf("%s has a bad prefix length; write address/length with a length from 0 to %d, without leading zeros", quote(text), address.BitLen())
}

func mappedPrefix(text string) error {
	return fmt.Errorf("%s is an IPv4-mapped IPv6 range; write it as IPv4, such as 198.51.100.0/24", quote(text))
}

// mergePrefixes returns the fewest masked prefixes that cover exactly what the
// given ones cover, sorted, IPv4 first. It reorders its argument.
func mergePrefixes(prefixes []netip.Prefix) []netip.Prefix {
	slices.SortFunc(prefixes, netip.Prefix.Compare)
	var merged []netip.Prefix
	for _, prefix := range prefixes {
		// Sorted, a prefix that contains this one can only be the last.
		if n := len(merged); n > 0 && merged[n-1].Overlaps(prefix) {
			continue
		}
		merged = joinSiblings(append(merged, prefix))
	}
	return merged
}

// joinSiblings replaces the last two prefixes by the one that they halve, for
// as long as they do.
func joinSiblings(merged []netip.Prefix) []netip.Prefix {
	for n := len(merged); n > 1; n = len(merged) {
		parent, ok := parentOf(merged[n-2], merged[n-1])
		if !ok {
			break
		}
		merged = append(merged[:n-2], parent)
	}
	return merged
}

// parentOf is the prefix whose two halves are a and b.
func parentOf(a, b netip.Prefix) (netip.Prefix, bool) {
	if a.Bits() != b.Bits() || a.Bits() == 0 || a.Addr().BitLen() != b.Addr().BitLen() {
		return netip.Prefix{}, false
	}
	parent := netip.PrefixFrom(a.Addr(), a.Bits()-1).Masked()
	return parent, a != b && parent.Contains(b.Addr())
}

// coveredBy reports whether one of the prefixes contains the address.
func coveredBy(prefixes []netip.Prefix, address netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(address) })
}
