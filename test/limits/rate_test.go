package limits_test

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/nft-operator/nft-operator/test/lab"
)

var measured = flag.Duration("for", 3*time.Second, "how long each rate is measured")

// drained is how long a full bucket takes to be empty where twice its rate comes
// in: it holds what flows in a second, and the burst.
const drained = 2 * time.Second

// TestRates offers twice what is asked for, from 1 Mbit/s to 1 Gbit/s.
func TestRates(t *testing.T) { inEachMode(t, testRates) }

func testRates(t *testing.T, g *gateway) {
	const address = "203.0.113.10"
	for _, asked := range []float64{1e6, 10e6, 100e6, 1e9} {
		t.Run(mbit(asked), func(t *testing.T) {
			g.apply(t, service("web", address, map[string]string{"rate-limit": fmt.Sprintf("%.0fmbit", asked/1e6)}))
			rates := g.measure(t, drained, lab.Flow{From: g.net.Client.Primary.IPv4, To: door(address), BitsPerSecond: 2 * asked})
			t.Logf("offered %s, arrived %s: %+.2f %%", mbit(rates[0].Offered), mbit(rates[0].Arrived), 100*(rates[0].Arrived/asked-1))
			if rates[0].Offered < 1.2*asked {
				t.Fatal("this machine does not offer enough to be limited")
			}
			if off(rates[0].Arrived, asked) > 0.05 {
				t.Error("more than 5 % off")
			}
		})
	}
}

// TestManyServicesAtOnce limits 500 Services to 1 Mbit/s each, beside one
// without a limit.
func TestManyServicesAtOnce(t *testing.T) { inEachMode(t, testManyServicesAtOnce) }

func testManyServicesAtOnce(t *testing.T, g *gateway) {
	const count, asked = 500, 1e6
	services := []corev1.Service{service("free", "203.0.113.255", nil)}
	flows := []lab.Flow{{From: g.net.Client.Primary.IPv4, To: door("203.0.113.255"), BitsPerSecond: 10e6}}
	for i := range count {
		address := fmt.Sprintf("2001:db8:1b::%x", 0x1000+i)
		services = append(services, service(fmt.Sprintf("web-%03d", i), address, map[string]string{"rate-limit": "1mbit"}))
		flows = append(flows, lab.Flow{From: g.net.Client.Primary.IPv6, To: door(address), BitsPerSecond: 1.5 * asked})
	}
	g.apply(t, services...)
	rates := g.measure(t, 4*drained, flows...)
	if free := rates[0]; free.Arrived < 0.999*free.Offered {
		t.Errorf("of the Service without a limit, %s were offered and %s arrived", mbit(free.Offered), mbit(free.Arrived))
	}
	lowest, highest := rates[1].Arrived, rates[1].Arrived
	for i, rate := range rates[1:] {
		lowest, highest = min(lowest, rate.Arrived), max(highest, rate.Arrived)
		if off(rate.Arrived, asked) > 0.1 {
			t.Errorf("web-%03d: offered %s, arrived %s", i, mbit(rate.Offered), mbit(rate.Arrived))
		}
	}
	t.Logf("each got between %s and %s", mbit(lowest), mbit(highest))
}

// TestOneClientCannotTakeItAll has one client that offers twenty times its
// share, and nine that stay below theirs.
func TestOneClientCannotTakeItAll(t *testing.T) {
	g := newGateway(t)
	const address, share = "203.0.113.10", 1e6
	web := service("web", address, map[string]string{"rate-limit": "10mbit", "rate-limit-per-source": "1mbit"})
	from, to := g.net.Client.Primary.IPv4, door(address)
	flows := []lab.Flow{{From: from, To: to, BitsPerSecond: 20 * share}}
	for i := range 9 {
		// At ports of their own, because of each the lab receives one flow.
		from = netip.AddrFrom4([4]byte{198, 51, 100, byte(100 + i)})
		must(t, g.net.Client.Command("ip", "address", "add", from.String()+"/32", "dev", "eth0").Run())
		to = netip.AddrPortFrom(to.Addr(), to.Port()+1)
		web.Spec.Ports = append(web.Spec.Ports, corev1.ServicePort{Name: fmt.Sprintf("udp-%d", i), Protocol: corev1.ProtocolUDP, Port: int32(to.Port())})
		flows = append(flows, lab.Flow{From: from, To: to, BitsPerSecond: 0.9 * share})
	}
	g.apply(t, web)
	rates := g.measure(t, drained, flows...)
	if greedy := rates[0]; off(greedy.Arrived, share) > 0.05 {
		t.Errorf("the greedy client got %s", mbit(greedy.Arrived))
	}
	for i, rate := range rates[1:] {
		if rate.Arrived < 0.99*rate.Offered {
			t.Errorf("client %d offered %s and got %s", i+1, mbit(rate.Offered), mbit(rate.Arrived))
		}
	}
	t.Logf("the greedy client got %s of %s, the others lost nothing", mbit(rates[0].Arrived), mbit(rates[0].Offered))
}

func (g *gateway) measure(t *testing.T, wait time.Duration, flows ...lab.Flow) []lab.Rates {
	t.Helper()
	rates, err := g.net.MeasureFlows(context.Background(), wait, *measured, flows...)
	must(t, err)
	return rates
}
