package limits_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"
)

var bursts = flag.String("bursts", "", "bursts to compare, as an annotation has them: , burst 16 kbytes, burst 2 mbytes")

// TestGoodput tells what a single TCP connection makes of a rate whose excess is
// dropped: it sees losses and slows down. The default burst is chosen by this.
func TestGoodput(t *testing.T) {
	g := newGateway(t)
	bursts := strings.Split(*bursts, ",")
	for _, asked := range []float64{10e6, 100e6} {
		for _, burst := range bursts {
			t.Run(mbit(asked)+burst, func(t *testing.T) {
				g.apply(t) // the bucket begins anew
				g.apply(t, service("web", "203.0.113.10", map[string]string{"rate-limit": fmt.Sprintf("%.0fmbit%s", asked/1e6, burst)}))
				got, err := g.net.MeasureGoodput(context.Background(), drained+time.Second, *measured, g.net.Client.Primary.IPv4, door("203.0.113.10"))
				must(t, err)
				t.Logf("%s of payload, %.0f %%", mbit(got), 100*got/asked)
				if got > 1.05*asked || got < 0.5*asked {
					t.Error("not within a half and the whole of what was asked for")
				}
			})
		}
	}
}
