package ratelimit

// bounds are the least and the most that make sense, what to say about a number
// outside of them, and an example of one inside.
type bounds struct {
	least, most uint64
	below       string
	above       string
	example     string
}

// fullPacket is what one packet of an ordinary link takes, in bytes.
const fullPacket = 1500

// maxCount bounds bursts and concurrent connections: what the state of a gateway
// can hold.
const maxCount = 1e6

var (
	// The most is what the fastest links of such boxes carry, and with the
	// largest burst still fits nft's 64 bits of nanoseconds.
	byteRateBounds = bounds{fullPacket, 100e9 / 8,
		"the rate is under 12kbit, one full packet a second", "the rate is over 100gbit", dataExample}
	byteBurstBounds = bounds{fullPacket, 1 << 30,
		"the burst is under 1500 bytes, one full packet", "the burst is over 1 gbytes", dataExample}
	// For each second.
	packetRateBounds = bounds{1, 1e9,
		"the rate is under one packet a second", "the rate is over 1000000000 packets a second", packetExample}
	packetBurstBounds = bounds{1, maxCount,
		"the burst is under one packet", "the burst is over 1000000 packets", packetExample}
	// The most is for each second; the least for any period, since few
	// connections a day are a limit that somebody can mean.
	connectionRateBounds = bounds{1, 1e6,
		"the rate is under one connection", "the rate is over 1000000 connections a second", connectionRateExample}
	connectionBurstBounds = bounds{1, maxCount,
		"the burst is under one connection", "the burst is over 1000000 connections", connectionRateExample}
	connectionLimitBounds = bounds{1, maxCount,
		"the limit is under one connection", "the limit is over 1000000 connections", connectionLimitExample}
)

const packetExample = "400 packets/second burst 40 packets"

// per makes bounds for each second into bounds for each period.
func (b bounds) per(period Period) bounds {
	b.least *= period.Seconds()
	return b.mostPer(period)
}

// mostPer does so with the most, and leaves the least.
func (b bounds) mostPer(period Period) bounds {
	b.most *= period.Seconds()
	return b
}

// check compares a value with the bounds, and blames the number it came from.
func (b bounds) check(value uint64, number token) error {
	switch {
	case value < b.least:
		return &SyntaxError{number.column, b.below, b.example}
	case value > b.most:
		return &SyntaxError{number.column, b.above, b.example}
	}
	return nil
}
