package plan

import (
	"strings"
	"testing"
)

func TestNewServiceKey(t *testing.T) {
	tests := []struct {
		name               string
		namespace, service string
		err                string
	}{
		{name: "letters, digits and dashes", namespace: "shop", service: "web-1"},
		{name: "starts with a digit", namespace: "shop", service: "1web"},
		{name: "the longest", namespace: strings.Repeat("n", 63), service: strings.Repeat("s", 63)},
		{name: "too long", namespace: "shop", service: strings.Repeat("s", 64),
			err: `name "ssssssssssssssssssssssssssssssssssssssss"... is not a DNS-1123 label`},
		{name: "empty name", namespace: "shop", service: "", err: `name "" is not a DNS-1123 label`},
		{name: "empty namespace", namespace: "", service: "web", err: `namespace "" is not a DNS-1123 label`},
		{name: "dots", namespace: "shop", service: "web.v1", err: `name "web.v1" is not a DNS-1123 label`},
		{name: "upper case", namespace: "Shop", service: "web", err: `namespace "Shop" is not a DNS-1123 label`},
		{name: "Jinja", namespace: "shop", service: "{{ 7*7 }}", err: `name "{{ 7*7 }}" is not a DNS-1123 label`},
		{name: "nft", namespace: "shop", service: "\"; drop", err: `name "\"; drop" is not a DNS-1123 label`},
		{name: "newline at the end", namespace: "shop", service: "web\n", err: `name "web\n" is not a DNS-1123 label`},
		{name: "look-alike letters", namespace: "shop", service: "wéb", err: `name "w\u00e9b" is not a DNS-1123 label`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := NewServiceKey(tt.namespace, tt.service)
			wantError(t, err, tt.err)
			if err == nil && key.String() != tt.namespace+"/"+tt.service {
				t.Errorf("key is %q", key)
			}
			if err != nil && key != (ServiceKey{}) {
				t.Errorf("a refused name still made the key %q", key)
			}
		})
	}
}

func TestZeroServiceKeyIsNoName(t *testing.T) {
	if got := (ServiceKey{}).String(); got != "(unnamed)" {
		t.Errorf("got %q", got)
	}
}

func TestNewGatewayKey(t *testing.T) {
	_, err := NewGatewayKey("edge", "main.v1")
	wantError(t, err, "")
	_, err = NewGatewayKey("edge", "main;")
	wantError(t, err, `name "main;" is not a DNS-1123 subdomain`)
	_, err = NewGatewayKey("ed.ge", "main")
	wantError(t, err, `namespace "ed.ge" is not a DNS-1123 label`)
}
