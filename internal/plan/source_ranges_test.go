package plan

import (
	"net/netip"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestSourceRangesOf(t *testing.T) {
	const none = "nobody"
	tests := []struct {
		name       string
		edits      []edit
		ipv4, ipv6 string
		err        string
	}{
		{name: "nothing means any", ipv4: "any", ipv6: "any"},
		{name: "an empty list means any", edits: []edit{from()}, ipv4: "any", ipv6: "any"},
		{name: "a blank annotation means any", edits: []edit{annotatedFrom(" \n")}, ipv4: "any", ipv6: "any"},
		{name: "one family admits nobody of the other", edits: []edit{from("198.51.100.0/24")}, ipv4: "198.51.100.0/24", ipv6: none},
		{name: "both families", edits: []edit{from("2001:db8:1::/48", "198.51.100.0/24")}, ipv4: "198.51.100.0/24", ipv6: "2001:db8:1::/48"},
		{name: "host bits, spaces, overlaps", edits: []edit{from(" 198.51.100.9/25", "198.51.100.0/24\t")}, ipv4: "198.51.100.0/24", ipv6: none},
		{name: "/0 means any of its family", edits: []edit{from("0.0.0.0/0", "198.51.100.0/24")}, ipv4: "any", ipv6: none},
		{name: "two halves mean any too", edits: []edit{from("::/1", "8000::/1")}, ipv4: none, ipv6: "any"},
		{name: "the annotation", edits: []edit{annotatedFrom("198.51.100.0/25, 198.51.100.128/25")}, ipv4: "198.51.100.0/24", ipv6: none},
		{name: "the field wins", edits: []edit{annotatedFrom("not read"), from("198.51.100.0/24")}, ipv4: "198.51.100.0/24", ipv6: none},
		{name: "an empty field leaves the annotation", edits: []edit{annotatedFrom("198.51.100.0/24"), from()}, ipv4: "198.51.100.0/24", ipv6: none},
		{name: "one bad entry spoils all", edits: []edit{from("198.51.100.0/24", "10.0.0.0/33")},
			err: `spec.loadBalancerSourceRanges: "10.0.0.0/33" has a bad prefix length; write address/length with a length from 0 to 32, without leading zeros`},
		{name: "a blank entry", edits: []edit{from(" ")},
			err: `spec.loadBalancerSourceRanges: "" is blank; remove it, or write a range such as 198.51.100.0/24`},
		{name: "a comma at the end", edits: []edit{annotatedFrom("198.51.100.0/24,")},
			err: `annotation service.beta.kubernetes.io/load-balancer-source-ranges: "" is blank; remove it, or write a range such as 198.51.100.0/24`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := service("web", tt.edits...)
			ranges, err := sourceRangesOf(&s)
			wantError(t, err, tt.err)
			if err != nil {
				return
			}
			for address, want := range map[string]string{"192.0.2.1": tt.ipv4, "2001:db8::1": tt.ipv6} {
				sources, admitted := ranges.to(netip.MustParseAddr(address))
				got := none
				if admitted {
					got = sourcesText(sources)
				}
				if got != want {
					t.Errorf("to %s from %s, want %s", address, got, want)
				}
			}
		})
	}
}

func FuzzSourceRanges(f *testing.F) {
	for _, seed := range []string{"", "198.51.100.0/24", "0.0.0.0/0,::/0", "10.0.0.0/33", "010.0.0.0/8", "::ffff:10.0.0.0/104", "fe80::%eth0/64", "10.0.0.0/8 , ,", "{{ lookup('pipe','id') }}", "\"; drop", "\x00\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		asField := service("web", from(strings.Split(text, ",")...))
		asAnnotation := service("web", annotatedFrom(text))
		for _, s := range []*corev1.Service{&asField, &asAnnotation} {
			ranges, err := sourceRangesOf(s)
			if err != nil {
				continue
			}
			for _, address := range []string{"192.0.2.1", "2001:db8::1"} {
				to := netip.MustParseAddr(address)
				sources, admitted := ranges.to(to)
				if !admitted && sources != nil {
					t.Fatalf("nobody is admitted, but from %v", sources)
				}
				for i, p := range sources {
					if p != p.Masked() || p.Addr().BitLen() != to.BitLen() || p.Addr().Is4In6() || p.Addr().Zone() != "" {
						t.Fatalf("%q admits %s to %s", text, p, to)
					}
					if i > 0 && sources[i-1].Overlaps(p) {
						t.Fatalf("%q: %s and %s overlap", text, sources[i-1], p)
					}
				}
			}
		}
	})
}
