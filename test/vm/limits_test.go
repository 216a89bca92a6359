package vm_test

import (
	"flag"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// TestTrafficControlComesAndGoes is on a kernel that has flower and police, which
// that of the lab lacks.
func TestTrafficControlComesAndGoes(t *testing.T) {
	g := newGateway(t)
	g.services[0].Annotations = map[string]string{"nft-operator.io/rate-limit": "1 gbit", "nft-operator.io/connection-limit": "1000"}
	for _, mode := range []v1alpha1.RateLimitMode{v1alpha1.RateLimitPolice, v1alpha1.RateLimitShape} {
		t.Run(string(mode), func(t *testing.T) {
			g.spec.RateLimiting.Mode = mode
			if limits := g.apply(t).Limits; limits.Engine != "TrafficControl" || !strings.Contains(limits.Because, "flower") {
				t.Errorf("%+v", limits)
			}
			loaded := g.trafficControl(t)
			if !strings.Contains(loaded, "flower") {
				t.Fatalf("no filter is there:\n%s", loaded)
			}
			if again := g.apply(t); again.Action != "none" || len(again.Drift) > 0 {
				t.Errorf("once more: %+v", again)
			}

			must(t, g.Reboot())
			eventually(t, "limits at the public interface", func() bool { return g.trafficControl(t) == loaded })
			if again := g.apply(t); again.Action != "none" || len(again.Drift) > 0 {
				t.Errorf("after a boot: %+v", again)
			}
			if failed := g.exec(t, "systemctl", "--failed", "--plain", "--no-legend"); failed != "" {
				t.Errorf("units failed:\n%s", failed)
			}
		})
	}
	g.services[0].Annotations = nil
	g.apply(t)
	left := g.trafficControl(t) + g.exec(t, "sh", "-c", "find /etc/systemd /var/lib/nft-operator | grep -e limits -e tc/; true")
	if strings.Contains(left, "20038") || strings.Contains(left, "nftop-shape") || strings.Contains(left, "clsact") || strings.Contains(left, "limits") {
		t.Errorf("something is left:\n%s", left)
	}
}

// trafficControl is what tc shows.
func (g *gateway) trafficControl(t *testing.T) string {
	t.Helper()
	return g.exec(t, "sh", "-c", `tc qdisc show | sort; tc filter show dev eth0 ingress; tc actions list action police; tc class show dev nftop-shape 2>/dev/null | sort; tc filter show dev nftop-shape 2>/dev/null; true`)
}

func (g *gateway) exec(t *testing.T, command ...string) string {
	t.Helper()
	output, err := g.Exec(command...)
	must(t, err)
	return strings.TrimSpace(output)
}

// TestPolicedRates offers twice what is asked for, to as much as an emulated
// machine can forward.
func TestPolicedRates(t *testing.T) {
	g := newGateway(t)
	for _, asked := range []float64{1e6, 10e6, 50e6} {
		t.Run(fmt.Sprintf("%.0f Mbit per s", asked/1e6), func(t *testing.T) {
			g.services = []corev1.Service{limited("web", "203.0.113.10", fmt.Sprintf("%.0fmbit", asked/1e6))}
			if limits := g.apply(t).Limits; limits.Engine != "TrafficControl" {
				t.Fatalf("%+v", limits)
			}
			got := g.measure(t, 2*time.Second, g.flow("203.0.113.10", 2*asked))[0]
			t.Logf("offered %.3f Mbit/s, arrived %.3f: %+.2f %%", got.Offered/1e6, got.Arrived/1e6, 100*(got.Arrived/asked-1))
			if got.Offered < 1.2*asked {
				t.Fatal("this machine does not offer enough to be limited")
			}
			if got.Arrived < 0.95*asked || got.Arrived > 1.05*asked {
				t.Error("more than 5 % off")
			}
			if over := g.apply(t).Limits.Over; len(over) != 1 || over[0].Service != "shop/web" || over[0].Packets == 0 {
				t.Errorf("over their limits were %+v", over)
			}
		})
	}
}

// TestPolicedGoodput tells what a single TCP connection makes of a rate that tc
// polices. The default burst is chosen by this.
func TestPolicedGoodput(t *testing.T) {
	const asked = 20e6
	g := newGateway(t)
	for _, burst := range strings.Split(*bursts, ",") {
		t.Run("20 Mbit per s"+burst, func(t *testing.T) {
			g.services = []corev1.Service{limited("web", "203.0.113.10", "20mbit"+burst)}
			g.services[0].Spec.Ports[0].Protocol = corev1.ProtocolTCP
			g.apply(t)
			from, to := g.net.Client.Primary.IPv4, netip.MustParseAddrPort("203.0.113.10:9000")
			got, err := g.net.MeasureGoodput(t.Context(), 3*time.Second, *measured, from, to)
			must(t, err)
			t.Logf("%.3f Mbit/s of payload, %.0f %%", got/1e6, 100*got/asked)
			if *bursts == "" && (got > 1.05*asked || got < 0.9*asked) {
				t.Error("more than a tenth off")
			}
		})
	}
}

// TestManyPolicedServicesAtOnce limits 500 Services, to as little each that an emulated
// machine can forward what is offered to all, beside one without a limit.
func TestManyPolicedServicesAtOnce(t *testing.T) {
	const count, asked = 500, 1e5
	g := newGateway(t)
	g.services = []corev1.Service{limited("free", "203.0.113.255", "")}
	flows := []lab.Flow{g.flow("203.0.113.255", 1e6)}
	for i := range count {
		address := fmt.Sprintf("2001:db8:1b::%x", 0x1000+i)
		g.services = append(g.services, limited(fmt.Sprintf("web-%03d", i), address, "100kbit"))
		flows = append(flows, g.flow(address, 2*asked))
	}
	g.apply(t)
	rates := g.measure(t, 8*time.Second, flows...)
	if free := rates[0]; free.Arrived < 0.99*free.Offered {
		t.Errorf("of what was not limited, %.3f of %.3f Mbit/s arrived", free.Arrived/1e6, free.Offered/1e6)
	}
	lowest, highest := rates[1].Arrived, rates[1].Arrived
	for _, one := range rates[1:] {
		lowest, highest = min(lowest, one.Arrived), max(highest, one.Arrived)
	}
	t.Logf("each was to get %.3f Mbit/s, and got from %.3f to %.3f", asked/1e6, lowest/1e6, highest/1e6)
	if lowest < 0.9*asked || highest > 1.1*asked {
		t.Error("more than 10 % off")
	}
}

// TestCostOfAPolicedPacketIsTheSame floods one Service while 1, 100 and 5,000 Services
// are limited, in turns: as many packets get through in each case.
func TestCostOfAPolicedPacketIsTheSame(t *testing.T) {
	const rounds = 2
	g := newGateway(t)
	counts, arrived := []int{1, 100, 5000}, map[int]float64{}
	for range rounds {
		for _, count := range counts {
			g.services = []corev1.Service{limited("web", "203.0.113.10", "10gbit")}
			for i := range count - 1 {
				g.services = append(g.services, limited(fmt.Sprintf("other-%d", i), fmt.Sprintf("2001:db8:1b::%x", 0x1000+i), "1mbit"))
			}
			g.apply(t)
			flood := g.flow("203.0.113.10", 4e9)
			flood.Payload = 64
			rate := g.measure(t, time.Second, flood)[0].Arrived / 8 / (64 + 28)
			arrived[count] = max(arrived[count], rate) // what it can do when nothing else keeps it busy
		}
	}
	for _, count := range counts {
		t.Logf("%d limited Services: %.0f packets a second, %.2f of those with one", count, arrived[count], arrived[count]/arrived[1])
		if arrived[count] < 0.8*arrived[1] {
			t.Errorf("%d limited Services make packets dearer", count)
		}
	}
}

// limited is open at port 9000 of an address for UDP.
func limited(name, address, rate string) corev1.Service {
	made := *web.DeepCopy()
	made.Name = name
	made.Spec.Ports = []corev1.ServicePort{{Protocol: corev1.ProtocolUDP, Port: 9000}}
	made.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: address}}
	if rate != "" {
		made.Annotations = map[string]string{"nft-operator.io/rate-limit": rate}
	}
	return made
}

func (g *gateway) flow(to string, bitsPerSecond float64) lab.Flow {
	address := netip.MustParseAddr(to)
	return lab.Flow{From: g.net.Client.Primary.Like(address), To: netip.AddrPortFrom(address, 9000), BitsPerSecond: bitsPerSecond}
}

// measure waits until buckets are empty, and then counts what arrives.
func (g *gateway) measure(t *testing.T, drained time.Duration, flows ...lab.Flow) []lab.Rates {
	t.Helper()
	rates, err := g.net.MeasureFlows(t.Context(), drained, *measured, flows...)
	must(t, err)
	return rates
}

var (
	measured = flag.Duration("for", 5*time.Second, "how long each rate is measured")
	bursts   = flag.String("bursts", "", "bursts to compare, as an annotation has them: , burst 128 kbytes, burst 2 mbytes")
)
