package ratelimit

// DefaultByteBurst is the burst, in bytes, of a rate in bytes for each second
// that was written without one: what the rate carries in 50 ms, and at least
// 64 KiB. A bucket must hold what a TCP sender puts on the wire at once, or a
// policed connection never comes near its rate; 64 KiB is the largest segment
// that a sender's card is handed.
func DefaultByteBurst(bytesPerSecond uint64) uint64 {
	return max(64<<10, bytesPerSecond/20)
}

// DefaultCountBurst is the burst, in packets or connections, of a rate of these
// that was written without one: a tenth of what comes in a second, and at least
// 5, which is also nft's.
func DefaultCountBurst(amount uint64, period Period) uint64 {
	return min(maxCount, max(5, amount/period.Seconds()/10))
}
