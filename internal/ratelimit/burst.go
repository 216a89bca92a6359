package ratelimit

// DefaultByteBurst is the burst, in bytes, of a rate in bytes for each second
// that was written without one: what the rate carries in 250 ms, at least 64 KiB,
// and at most what a burst can be. A TCP sender that lost packets may pause for
// 200 ms, the least time after which Linux sends anew; a bucket that holds less
// than comes meanwhile keeps a policed connection far below its rate. 64 KiB is
// the largest segment that a sender's card is handed.
func DefaultByteBurst(bytesPerSecond uint64) uint64 {
	return min(byteBurstBounds.most, max(64<<10, bytesPerSecond/4))
}

// DefaultCountBurst is the burst, in packets or connections, of a rate of these
// that was written without one: a tenth of what comes in a second, and at least
// 5, which is also nft's.
func DefaultCountBurst(amount uint64, period Period) uint64 {
	return min(maxCount, max(5, amount/period.Seconds()/10))
}
