package ratelimit

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// isWhole tells whether a number token has no decimal point.
func isWhole(number token) bool { return !strings.Contains(number.text, ".") }

// whole is the value of a whole number token; one that does not fit is the
// largest that does, which is beyond every bound.
func whole(number token) uint64 {
	// The token is made of digits, so it can only be too large, and then
	// ParseUint returns the largest.
	value, _ := strconv.ParseUint(number.text, 10, 64)
	return value
}

// bytes is how many bytes a quantity of bits or bytes is, to the nearest.
func (q quantity) bytes() uint64 { return q.bytesPer(Second) }

// bytesPer is how many bytes in each second a quantity in each period is, to the
// nearest; what does not fit is the largest that does. Exact, so that no rate
// depends on how a fraction is kept.
func (q quantity) bytesPer(period Period) uint64 {
	value, _ := new(big.Rat).SetString(q.number.text) // digits and a point: always a number
	value.Mul(value, new(big.Rat).SetUint64(q.unit.bits))
	value.Quo(value, new(big.Rat).SetUint64(8*period.Seconds()))
	value.Add(value, big.NewRat(1, 2))
	floor := new(big.Int).Quo(value.Num(), value.Denom())
	if !floor.IsUint64() {
		return math.MaxUint64
	}
	return floor.Uint64()
}
