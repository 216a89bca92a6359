package plan

import (
	"strings"
	"testing"
)

func TestQuoteShowsForeignTextHarmlessly(t *testing.T) {
	tests := []struct{ text, want string }{
		{"10.0.0.0/33", `"10.0.0.0/33"`},
		{"", `""`},
		{"a\x1b[31m\n", `"a\x1b[31m\n"`},
		{"\xff", `"\xff"`},
		{"\u202e", `"\u202e"`},
		{strings.Repeat("x", 41), `"` + strings.Repeat("x", 40) + `"...`},
	}
	for _, tt := range tests {
		if got := quote(tt.text); got != tt.want {
			t.Errorf("quote(%q) is %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestBoundKeepsMessagesShort(t *testing.T) {
	if got := bound(strings.Repeat("x", 256)); len(got) != 256 || strings.HasSuffix(got, "...") {
		t.Errorf("256 bytes fit, got %q", got)
	}
	if got := bound(strings.Repeat("x", 257)); len(got) != 256 || !strings.HasSuffix(got, "...") {
		t.Errorf("257 bytes are cut to 256, got %d: %q", len(got), got)
	}
}
