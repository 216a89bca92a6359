package plan

import "testing"

func TestParseAddress(t *testing.T) {
	const form = " is not an IP address; write one such as 192.0.2.1 or 2001:db8::1, without leading zeros or prefix length"
	tests := []struct{ text, want, err string }{
		{text: "192.0.2.1", want: "192.0.2.1"},
		{text: "2001:0DB8::0001", want: "2001:db8::1"},
		{text: "", err: `""` + form},
		{text: "192.0.2.1/32", err: `"192.0.2.1/32"` + form},
		{text: "192.0.2.01", err: `"192.0.2.01"` + form},
		{text: " 192.0.2.1", err: `" 192.0.2.1"` + form},
		{text: "gw1.example.org", err: `"gw1.example.org"` + form},
		{text: "::ffff:192.0.2.1", err: `"::ffff:192.0.2.1" is an IPv4-mapped IPv6 address; write it as IPv4: 192.0.2.1`},
		{text: "fe80::1%eth0", err: `"fe80::1%eth0" has a zone; write it without: fe80::1`},
		{text: "::ffff:192.0.2.1%}}", err: `"::ffff:192.0.2.1%}}" is an IPv4-mapped IPv6 address; write it as IPv4: 192.0.2.1`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := parseAddress(tt.text)
			wantError(t, err, tt.err)
			if err == nil && got.String() != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
