package limits_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

var bursts = flag.String("bursts", "", "bursts to compare, as an annotation has them: , burst 16 kbytes, burst 2 mbytes")

// TestGoodput tells what a single TCP connection makes of its rate. Where the
// excess is dropped, it sees losses and slows down; the default burst is chosen
// by this. Where it waits, the connection is to get all of it.
func TestGoodput(t *testing.T) { inEachMode(t, testGoodput) }

func testGoodput(t *testing.T, g *gateway) {
	least := 0.5
	if g.spec.RateLimiting.Mode == v1alpha1.RateLimitShape {
		least = 0.95
	}
	bursts := strings.Split(*bursts, ",")
	for _, asked := range []float64{10e6, 100e6} {
		for _, burst := range bursts {
			t.Run(mbit(asked)+burst, func(t *testing.T) {
				g.apply(t) // the bucket begins anew
				g.apply(t, service("web", "203.0.113.10", map[string]string{"rate-limit": fmt.Sprintf("%.0fmbit%s", asked/1e6, burst)}))
				got, err := g.net.MeasureGoodput(context.Background(), drained+time.Second, *measured, g.net.Client.Primary.IPv4, door("203.0.113.10"))
				must(t, err)
				t.Logf("%s of payload, %.0f %%", mbit(got), 100*got/asked)
				if got > 1.05*asked || got < least*asked {
					t.Errorf("not between %.0f %% and 105 %% of what was asked for", 100*least)
				}
			})
		}
	}
}
