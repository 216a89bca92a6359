package ratelimit

import (
	"fmt"
	"math/bits"
)

// Unit is what a Rate counts.
type Unit string

// The units of a Rate.
const (
	Bytes       Unit = "bytes"
	Packets     Unit = "packets"
	Connections Unit = "connections"
)

// Period is the time that a Rate's amount is for, by nft's name.
type Period string

// The periods of a Rate.
const (
	Second Period = "second"
	Minute Period = "minute"
	Hour   Period = "hour"
	Day    Period = "day"
)

// Seconds is the length of a period; 0 for one that does not exist.
func (p Period) Seconds() uint64 {
	switch p {
	case Second:
		return 1
	case Minute:
		return 60
	case Hour:
		return 60 * 60
	case Day:
		return 24 * 60 * 60
	}
	return 0
}

// Rate is a token bucket: Amount flows in each Period, and Burst at once after
// a pause. What the parsers return is complete and within the bounds of
// bounds.go.
type Rate struct {
	Unit Unit
	// Amount of Unit for each Period.
	Amount uint64
	// Period is always Second for Bytes. nft keeps nanoseconds × (rate + burst)
	// in 64 bits, which bytes of a day do not fit.
	Period Period
	// Burst in Unit; the default where none was written.
	Burst uint64
}

// AtMost is the rate or, where that is more, the bound; the burst is the smaller
// of both. Where they count in different units nobody can say which is more, so
// the bound counts: a wish must not get past it by being written in packets.
func (r Rate) AtMost(bound Rate) Rate {
	if r.Unit != bound.Unit {
		return bound
	}
	if r.exceeds(bound) {
		r.Amount, r.Period = bound.Amount, bound.Period
	}
	r.Burst = min(r.Burst, bound.Burst)
	return r
}

// exceeds compares amounts for the same time; the products need not fit 64 bits.
func (r Rate) exceeds(other Rate) bool {
	high, low := bits.Mul64(r.Amount, other.Period.Seconds())
	otherHigh, otherLow := bits.Mul64(other.Amount, r.Period.Seconds())
	return high > otherHigh || high == otherHigh && low > otherLow
}

// String is the canonical spelling, for example
// "16 mbit/second burst 256 kbytes". Read again, it gives the same Rate.
func (r Rate) String() string {
	if r.Unit == Bytes {
		return fmt.Sprintf("%s/%s burst %s", spellBytes(r.Amount, true), r.Period, spellBytes(r.Burst, false))
	}
	return fmt.Sprintf("%d %s/%s burst %d %s", r.Amount, r.Unit, r.Period, r.Burst, r.Unit)
}

// spellBytes writes a number of bytes in the largest unit that leaves it whole;
// bits are for rates only.
func spellBytes(count uint64, bitsToo bool) string {
	for _, unit := range []struct {
		name string
		bits uint64
		kind kind
	}{
		{"gbytes", 8 << 30, kindBytes},
		{"gbit", 1e9, kindBits},
		{"mbytes", 8 << 20, kindBytes},
		{"mbit", 1e6, kindBits},
		{"kbytes", 8 << 10, kindBytes},
		{"kbit", 1e3, kindBits},
	} {
		if (bitsToo || unit.kind == kindBytes) && count*8%unit.bits == 0 {
			return fmt.Sprintf("%d %s", count*8/unit.bits, unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", count)
}
