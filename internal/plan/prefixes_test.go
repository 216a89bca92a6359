package plan

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestParsePrefix(t *testing.T) {
	const (
		form   = " is not a range; write address/length without leading zeros, such as 198.51.100.0/24 or 2001:db8::/32"
		mapped = " is an IPv4-mapped IPv6 range; write it as IPv4, such as 198.51.100.0/24"
	)
	tests := []struct{ text, want, err string }{
		{text: "198.51.100.0/24", want: "198.51.100.0/24"},
		{text: "198.51.100.77/24", want: "198.51.100.0/24"},
		{text: "2001:DB8::1/32", want: "2001:db8::/32"},
		{text: "0.0.0.0/0", want: "0.0.0.0/0"},
		{text: "10.0.0.0/33", err: `"10.0.0.0/33" has a bad prefix length; write address/length with a length from 0 to 32, without leading zeros`},
		{text: "2001:db8::/129", err: `"2001:db8::/129" has a bad prefix length; write address/length with a length from 0 to 128, without leading zeros`},
		{text: "10.0.0.0/08", err: `"10.0.0.0/08" has a bad prefix length; write address/length with a length from 0 to 32, without leading zeros`},
		{text: "10.0.0.0/", err: `"10.0.0.0/" has a bad prefix length; write address/length with a length from 0 to 32, without leading zeros`},
		{text: "10.0.0.0/-1", err: `"10.0.0.0/-1" has a bad prefix length; write address/length with a length from 0 to 32, without leading zeros`},
		{text: "10.0.0.1", err: `"10.0.0.1" has no prefix length; write 10.0.0.1/32 for this one address`},
		{text: "2001:db8::1", err: `"2001:db8::1" has no prefix length; write 2001:db8::1/128 for this one address`},
		{text: "010.0.0.0/8", err: `"010.0.0.0/8"` + form},
		{text: "10.0.0/8", err: `"10.0.0/8"` + form},
		{text: "10.0.0.0-10.0.0.9", err: `"10.0.0.0-10.0.0.9"` + form},
		{text: "any", err: `"any"` + form},
		{text: "{{ lookup('pipe','id') }}", err: `"{{ lookup('pipe','id') }}"` + form},
		{text: "fe80::%eth0/64", err: `"fe80::%eth0/64" has a zone; write the range without it`},
		{text: "::ffff:10.0.0.0/104", err: `"::ffff:10.0.0.0/104"` + mapped},
		{text: "::ffff:10.0.0.1", err: `"::ffff:10.0.0.1"` + mapped},
		{text: "", err: `"" is blank; remove it, or write a range such as 198.51.100.0/24`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := parsePrefix(tt.text)
			wantError(t, err, tt.err)
			if err == nil && got.String() != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestMergePrefixes(t *testing.T) {
	tests := []struct {
		name     string
		in, want []string
	}{
		{name: "nothing"},
		{name: "sorted, IPv4 first", in: []string{"2001:db8::/32", "203.0.113.0/24", "198.51.100.0/24"}, want: []string{"198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"}},
		{name: "equal", in: []string{"198.51.100.0/24", "198.51.100.0/24"}, want: []string{"198.51.100.0/24"}},
		{name: "one inside another", in: []string{"198.51.100.128/25", "198.51.100.0/24", "198.51.100.7/32"}, want: []string{"198.51.100.0/24"}},
		{name: "two halves", in: []string{"198.51.100.128/25", "198.51.100.0/25"}, want: []string{"198.51.100.0/24"}},
		{name: "halves of halves", in: []string{"198.51.100.0/25", "198.51.100.128/26", "198.51.100.192/26"}, want: []string{"198.51.100.0/24"}},
		{name: "neighbours that are no halves", in: []string{"198.51.100.1/32", "198.51.100.2/32"}, want: []string{"198.51.100.1/32", "198.51.100.2/32"}},
		{name: "the two halves of everything", in: []string{"128.0.0.0/1", "0.0.0.0/1"}, want: []string{"0.0.0.0/0"}},
		{name: "the end of IPv4 and the start of IPv6", in: []string{"255.255.255.255/32", "::/32"}, want: []string{"255.255.255.255/32", "::/32"}},
		{name: "all of both families", in: []string{"::/0", "0.0.0.0/0", "10.0.0.0/8"}, want: []string{"0.0.0.0/0", "::/0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var in []netip.Prefix
			for _, text := range tt.in {
				in = append(in, netip.MustParsePrefix(text))
			}
			wantLines(t, "merged", prefixTexts(mergePrefixes(in)), tt.want)
		})
	}
}

// Merging changes how a set of addresses is written, never the set.
func TestMergedPrefixesCoverTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.SliceOfN(crowdedPrefix(), 0, 12).Draw(t, "prefixes")
		merged := mergePrefixes(append([]netip.Prefix(nil), before...))
		for _, address := range append(rapid.SliceOfN(crowdedAddress(), 20, 20).Draw(t, "addresses"), edgesOf(before)...) {
			if coveredBy(before, address) != coveredBy(merged, address) {
				t.Fatalf("%s: in %v %v, in %v %v", address, before, coveredBy(before, address), merged, coveredBy(merged, address))
			}
		}
		wantTidy(t, merged)
	})
}

// wantTidy checks that prefixes are masked, sorted and disjoint.
func wantTidy(t *rapid.T, prefixes []netip.Prefix) {
	for i, p := range prefixes {
		if p != p.Masked() {
			t.Fatalf("%s has host bits", p)
		}
		if i > 0 && (prefixes[i-1].Overlaps(p) || prefixes[i-1].Compare(p) >= 0) {
			t.Fatalf("%s stands before %s", prefixes[i-1], p)
		}
	}
}

// edgesOf are the first and last addresses of the prefixes and their outer neighbours.
func edgesOf(prefixes []netip.Prefix) []netip.Addr {
	var edges []netip.Addr
	for _, p := range prefixes {
		first, last := p.Addr(), lastOf(p)
		for _, a := range []netip.Addr{first, first.Prev(), last, last.Next()} {
			if a.IsValid() {
				edges = append(edges, a)
			}
		}
	}
	return edges
}

func lastOf(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}

// crowdedPrefix draws from so few addresses that prefixes often touch.
func crowdedPrefix() *rapid.Generator[netip.Prefix] {
	return rapid.Custom(func(t *rapid.T) netip.Prefix {
		address := crowdedAddress().Draw(t, "address")
		fewest := 0
		if rapid.IntRange(0, 9).Draw(t, "narrow") > 0 {
			fewest = address.BitLen() - 5
		}
		return netip.PrefixFrom(address, rapid.IntRange(fewest, address.BitLen()).Draw(t, "bits")).Masked()
	})
}

func crowdedAddress() *rapid.Generator[netip.Addr] {
	return rapid.Custom(func(t *rapid.T) netip.Addr {
		last := rapid.ByteMax(31).Draw(t, "last byte")
		if rapid.Bool().Draw(t, "IPv6") {
			address := netip.MustParseAddr("2001:db8::").As16()
			address[15] = last
			return netip.AddrFrom16(address)
		}
		return netip.AddrFrom4([4]byte{198, 51, 100, last})
	})
}
