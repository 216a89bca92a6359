package lab

import (
	"fmt"
	"maps"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// TestTrafficTellsWhatIsWrong has streams, calls and a hammer run while the
// gateway passes everything, drops for a moment, and passes everything again.
func TestTrafficTellsWhatIsWrong(t *testing.T) {
	network := topology(t, 1)
	gateway := network.Gateways[0]
	var streams []*Stream
	var calls []Call
	for _, at := range []string{"203.0.113.40:80", "[2001:db8:1b::40]:80"} {
		address := netip.MustParseAddrPort(at)
		from := network.Client.Primary.Like(address.Addr())
		for _, protocol := range []Protocol{TCP, UDP} {
			server, err := network.Node.Serve(protocol, address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = server.Close() }()
			calls = append(calls, Call{protocol, from, address})
		}
		stream, err := network.Client.OpenStream(from, address, patience)
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, stream)
	}
	var mutex sync.Mutex
	lost := map[string]int{}
	caller := network.Client.KeepCalling(5*time.Millisecond, 900*time.Millisecond, func(l Loss) {
		mutex.Lock()
		defer mutex.Unlock()
		lost[l.Call.String()]++
	}, calls...)
	losses := func() map[string]int {
		mutex.Lock()
		defer mutex.Unlock()
		return maps.Clone(lost)
	}

	time.Sleep(500 * time.Millisecond)
	if lost := losses(); len(lost) > 0 {
		t.Errorf("lost %v though nothing is wrong", lost)
	}
	for _, stream := range streams {
		if state := stream.State(); state.Broken != nil || state.Bytes < 10*chunkSize || state.Slowest > 300*time.Millisecond {
			t.Errorf("stream %s: %+v though nothing is wrong", stream.Name, state)
		}
	}

	drop(t, gateway, 300*time.Millisecond)
	report := caller.Close()
	t.Logf("calls: %+v; lost: %v", report, lost)
	for _, call := range calls {
		if lost[call.String()] == 0 {
			t.Errorf("none of %s was lost, though all packets were dropped for a while", call)
		}
	}
	for _, stream := range streams {
		state := stream.Close()
		t.Logf("stream %s: %+v", stream.Name, state)
		if state.Broken != nil || state.Slowest < 200*time.Millisecond {
			t.Errorf("stream %s: %+v, want it slow and not broken", stream.Name, state)
		}
	}
}

// drop has a gateway forward nothing for a while.
func drop(t *testing.T, gateway *Gateway, pause time.Duration) {
	t.Helper()
	if err := gateway.Nft("table inet pause { chain c { type filter hook forward priority 0; policy drop; }; }"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(pause)
	if err := gateway.Nft("delete table inet pause"); err != nil {
		t.Fatal(err)
	}
}

func TestABrokenStreamSaysSo(t *testing.T) {
	network := topology(t, 1)
	to := netip.MustParseAddrPort("203.0.113.41:80")
	server, err := network.Node.Serve(TCP, to)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	stream, err := network.Client.OpenStream(network.Client.Primary.IPv4, to, patience)
	if err != nil {
		t.Fatal(err)
	}
	if err := network.Gateways[0].Nft("table inet cut { chain c { type filter hook forward priority 0; ip daddr 203.0.113.41 reject with tcp reset; }; }"); err != nil {
		t.Fatal(err)
	}
	if err := await(patience, func() error {
		if stream.State().Broken == nil {
			return fmt.Errorf("it goes on: %+v", stream.State())
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	stream.Close()
}

func TestHammerSeesTheOneOpenDoor(t *testing.T) {
	network := topology(t, 1)
	gateway := network.Gateways[0]
	if err := gateway.Nft(`table inet closed {
	chain f { type filter hook forward priority 0; policy drop; }
	chain i { type filter hook input priority 0; policy drop; iifname eth1 accept; icmpv6 type nd-neighbor-solicit accept; }
}
`); err != nil {
		t.Fatal(err)
	}
	from := network.Client.Primary
	hammer, err := network.Hammer(gateway,
		Target{from.IPv4, netip.MustParseAddr("203.0.113.42"), Protocols, 1, 100},
		Target{from.IPv6, netip.MustParseAddr("2001:db8:1b::42"), Protocols, 1, 100},
		Target{from.IPv4, gateway.Public.IPv4, Protocols, 1, 100},
		Target{from.IPv6, gateway.Public.IPv6, []Protocol{TCP}, 1, 100},
	)
	if err != nil {
		t.Fatal(err)
	}
	awaitRound := func() {
		t.Helper()
		already := hammer.Sent()
		if err := await(patience, func() error {
			if hammer.Sent() < already+2*int64(len(hammer.shots)) {
				return fmt.Errorf("%d sent", hammer.Sent()-already)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	awaitRound()
	if through, err := hammer.Through(); err != nil || len(through) > 0 {
		t.Errorf("through closed doors came %v, %v", through, err)
	}
	for _, rule := range []string{
		"insert rule inet closed f ip6 daddr 2001:db8:1b::42 sctp dport 50 accept",
		"insert rule inet closed i udp dport 51 accept",
	} {
		if err := gateway.Nft(rule + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	awaitRound()
	through, err := hammer.Through()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Packet{
		{from.IPv6, netip.MustParseAddr("2001:db8:1b::42"), SCTP, 50},
		{from.IPv4, gateway.Public.IPv4, UDP, 51},
	} {
		if _, found := through[want]; !found {
			t.Errorf("%s came through, and was not noted", want)
		}
		delete(through, want)
	}
	if len(through) > 0 {
		t.Errorf("through closed doors came %v", through)
	}
	if err := hammer.Close(); err != nil {
		t.Error(err)
	}
}
