package ratelimit

import "testing"

func TestAtMost(t *testing.T) {
	for _, test := range []struct{ name, rate, bound, want string }{
		{"less stays", "10 mbit burst 64 kbytes", "16mbit burst 256 kbytes", "10 mbit/second burst 64 kbytes"},
		{"the same stays", "16mbit burst 256 kbytes", "16mbit burst 256 kbytes", "16 mbit/second burst 256 kbytes"},
		{"more is bounded", "1gbit burst 1 mbytes", "16mbit burst 256 kbytes", "16 mbit/second burst 256 kbytes"},
		{"a smaller burst stays", "1gbit burst 64 kbytes", "16mbit burst 256 kbytes", "16 mbit/second burst 64 kbytes"},
		{"a larger burst is bounded too", "10 mbit burst 1 gbytes", "16mbit burst 256 kbytes", "10 mbit/second burst 256 kbytes"},
		{"packets of other periods are compared", "6000 packets/minute burst 5 packets", "200 packets/second burst 5 packets", "6000 packets/minute burst 5 packets"},
		{"packets of other periods are bounded", "6000 packets/minute burst 5 packets", "99 packets/second burst 5 packets", "99 packets/second burst 5 packets"},
		{"bytes under a bound of packets", "10 mbit", "99 packets/second burst 5 packets", "99 packets/second burst 5 packets"},
		{"packets under a bound of bytes", "1 packets/second", "16mbit burst 256 kbytes", "16 mbit/second burst 256 kbytes"},
	} {
		if got := rate(t, test.rate).AtMost(rate(t, test.bound)).String(); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func rate(t *testing.T, text string) Rate {
	t.Helper()
	read, err := ParseData(text)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestDefaultBursts(t *testing.T) {
	for _, test := range []struct {
		what      string
		got, want uint64
	}{
		{"a slow rate of bytes", DefaultByteBurst(fullPacket), 64 << 10},
		{"1 Gbit/s, 250 ms of it", DefaultByteBurst(1e9 / 8), 31_250_000},
		{"the fastest", DefaultByteBurst(byteRateBounds.most), 1 << 30},
		{"a slow rate of packets", DefaultCountBurst(1, Second), 5},
		{"400 packets in a second, 0.1 s of it", DefaultCountBurst(400, Second), 40},
		{"the same in a minute", DefaultCountBurst(24000, Minute), 40},
		{"more than may be written", DefaultCountBurst(1e9, Second), maxCount},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %d, want %d", test.what, test.got, test.want)
		}
	}
}

// TestLargestRateFitsNft: the kernel refuses a limit whose nanoseconds of a
// period, times rate and burst together, do not fit 64 bits.
func TestLargestRateFitsNft(t *testing.T) {
	const nanoseconds = 1_000_000_000
	tokens := byteRateBounds.most + byteBurstBounds.most
	if product := tokens * nanoseconds; product/nanoseconds != tokens {
		t.Errorf("%d bytes a second with a burst of %d are too many", byteRateBounds.most, byteBurstBounds.most)
	}
}
