package plan

import (
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

const (
	prefixed   = ratelimit.RateAnnotation
	ancestor   = ratelimit.AncestorAnnotation
	perPort    = ratelimit.PerPortAnnotation
	perSource  = ratelimit.PerSourceAnnotation
	connRate   = ratelimit.ConnectionRateAnnotation
	connLimit  = ratelimit.ConnectionLimitAnnotation
	sixteen    = "16mbit burst 64 kbytes"
	sixteenIs  = "16 mbit/second burst 64 kbytes"
	oneGigabit = "1 gbit burst 1 mbytes"
	dataRight  = `write for example "16mbit burst 256 kbytes"`
)

func TestLimitsOfAService(t *testing.T) {
	tests := []struct {
		name    string
		gateway v1alpha1.RateLimiting
		edits   []edit
		// held are its limits, empty where there are none.
		held    string
		notices []string
	}{
		{name: "nothing asked"},
		{name: "a rate", edits: []edit{asking(prefixed, sixteen)}, held: sixteenIs},
		{name: "the ancestor's", edits: []edit{asking(ancestor, "2 mbytes/second burst 512 kbytes")}, held: "2 mbytes/second burst 512 kbytes"},
		{name: "all", edits: []edit{asking(prefixed, sixteen, perPort, "true", perSource, "400 packets/second burst 40 packets", connRate, "10/minute burst 20", connLimit, "30")},
			held: sixteenIs + " for each port, 400 packets/second burst 40 packets for each client, 10 connections/minute burst 20 connections for each client, 30 connections at one time for each client"},
		{name: "each port of no rate", edits: []edit{asking(perPort, "true")}},

		{name: "nothing asked, a default", gateway: v1alpha1.RateLimiting{Default: sixteen}, held: sixteenIs},
		{name: "nothing asked, a max", gateway: v1alpha1.RateLimiting{Max: sixteen}, held: sixteenIs},
		{name: "other limits beside a default", gateway: v1alpha1.RateLimiting{Default: sixteen}, edits: []edit{asking(connLimit, "30")}, held: sixteenIs + ", 30 connections at one time for each client"},
		{name: "more than the default", gateway: v1alpha1.RateLimiting{Default: sixteen}, edits: []edit{asking(prefixed, oneGigabit)}, held: "1 gbit/second burst 1 mbytes"},
		{name: "the default is for all ports together", gateway: v1alpha1.RateLimiting{Default: sixteen}, edits: []edit{asking(perPort, "true")}, held: sixteenIs},

		{name: "less than max", gateway: v1alpha1.RateLimiting{Max: oneGigabit}, edits: []edit{asking(prefixed, sixteen)}, held: sixteenIs},
		{name: "more than max", gateway: v1alpha1.RateLimiting{Max: sixteen}, edits: []edit{asking(prefixed, oneGigabit)}, held: sixteenIs,
			notices: []string{"RateLimitBounded: it asks for 1 gbit/second burst 1 mbytes, and the gateway's spec.rateLimiting.max leaves it " + sixteenIs}},
		{name: "a burst of more than max", gateway: v1alpha1.RateLimiting{Max: sixteen}, edits: []edit{asking(prefixed, "16mbit burst 1 mbytes")}, held: sixteenIs,
			notices: []string{"RateLimitBounded: it asks for 16 mbit/second burst 1 mbytes, and the gateway's spec.rateLimiting.max leaves it " + sixteenIs}},
		{name: "in another unit than max", gateway: v1alpha1.RateLimiting{Max: sixteen}, edits: []edit{asking(prefixed, "10 packets/second")}, held: sixteenIs,
			notices: []string{"RateLimitBounded: it asks for 10 packets/second burst 5 packets, and the gateway's spec.rateLimiting.max leaves it " + sixteenIs}},
		{name: "max is not for one client", gateway: v1alpha1.RateLimiting{Max: sixteen}, edits: []edit{asking(perSource, oneGigabit, connRate, "1000/second burst 9")},
			held: sixteenIs + ", 1 gbit/second burst 1 mbytes for each client, 1000 connections/second burst 9 connections for each client"},
		{name: "ports that together get less than max", gateway: v1alpha1.RateLimiting{Max: "32mbit burst 64 kbytes"}, held: sixteenIs + " for each port",
			edits: []edit{ports(tcp(80), udp(80)), at("192.0.2.10", "2001:db8::10"), asking(prefixed, sixteen, perPort, "true")}},
		{name: "ports that together get more than max", gateway: v1alpha1.RateLimiting{Max: "32mbit burst 64 kbytes"}, held: "32 mbit/second burst 64 kbytes",
			edits:   []edit{ports(tcp(80), udp(80), tcp(81)), asking(prefixed, sixteen, perPort, "true")},
			notices: []string{"RateLimitBounded: it asks for " + sixteenIs + " for each port, and the gateway's spec.rateLimiting.max leaves it 32 mbit/second burst 64 kbytes"}},
		{name: "ports in another unit than max", gateway: v1alpha1.RateLimiting{Max: sixteen}, held: sixteenIs,
			edits:   []edit{ports(tcp(80), tcp(81)), asking(prefixed, "10 packets/second", perPort, "true")},
			notices: []string{"RateLimitBounded: it asks for 10 packets/second burst 5 packets for each port, and the gateway's spec.rateLimiting.max leaves it " + sixteenIs}},
		{name: "the burst of each port is bounded", gateway: v1alpha1.RateLimiting{Max: oneGigabit}, held: "16 mbit/second burst 1 mbytes for each port",
			edits:   []edit{ports(tcp(80), tcp(81)), asking(prefixed, "16mbit burst 2 mbytes", perPort, "true")},
			notices: []string{"RateLimitBounded: it asks for 16 mbit/second burst 2 mbytes for each port, and the gateway's spec.rateLimiting.max leaves it 16 mbit/second burst 1 mbytes for each port"}},

		{name: "a bad rate", edits: []edit{asking(prefixed, "2 mbytes")},
			notices: []string{`RateLimitInvalid: annotation nft-operator.io/rate-limit: at column 9: a period is missing, such as "/second": ` + dataRight + "; until then there is no such limit"}},
		{name: "a bad rate, a default", gateway: v1alpha1.RateLimiting{Default: sixteen}, edits: []edit{asking(ancestor, "; drop")}, held: sixteenIs,
			notices: []string{`RateLimitInvalid: annotation ratelimit: at column 1: ";" has no place here: ` + dataRight + "; until then the gateway's own limit counts, " + sixteenIs}},
		{name: "a bad rate for each port, a default", gateway: v1alpha1.RateLimiting{Default: sixteen}, edits: []edit{asking(ancestor, "{{ 7*7 }}", perPort, "true")}, held: sixteenIs,
			notices: []string{`RateLimitInvalid: annotation ratelimit: at column 1: "{" has no place here: ` + dataRight + "; until then the gateway's own limit counts, " + sixteenIs}},
		{name: "another bad annotation leaves the rate", gateway: v1alpha1.RateLimiting{Default: sixteen}, edits: []edit{asking(prefixed, oneGigabit, connLimit, "0")}, held: "1 gbit/second burst 1 mbytes",
			notices: []string{`RateLimitInvalid: annotation nft-operator.io/connection-limit: at column 1: the limit is under one connection: write for example "100"; until then it counts as not written`}},
		{name: "a bad per-port", edits: []edit{asking(prefixed, sixteen, perPort, "yes")}, held: sixteenIs,
			notices: []string{`RateLimitInvalid: annotation nft-operator.io/rate-limit-per-port: at column 1: only "true" and "false" are read: write for example "true"; until then it counts as not written`}},
		{name: "two that disagree", edits: []edit{asking(prefixed, sixteen, ancestor, "2mbit")}, held: sixteenIs,
			notices: []string{`RateLimitDisagreement: annotation ratelimit: it says "2 mbit/second burst 64 kbytes"; nft-operator.io/rate-limit counts, with "` + sixteenIs + `"`}},
		{name: "two that disagree where invalid is closed", gateway: v1alpha1.RateLimiting{OnInvalid: "Closed"}, edits: []edit{asking(prefixed, sixteen, ancestor, "")}, held: sixteenIs,
			notices: []string{`RateLimitDisagreement: annotation ratelimit: at column 1: a rate starts with a number: ` + dataRight + "; nft-operator.io/rate-limit counts"}},
		{name: "several things at once", gateway: v1alpha1.RateLimiting{Max: sixteen}, held: sixteenIs,
			edits: []edit{asking(prefixed, oneGigabit, ancestor, "2mbit", connLimit, "-1")},
			notices: []string{
				"RateLimitBounded: it asks for 1 gbit/second burst 1 mbytes, and the gateway's spec.rateLimiting.max leaves it " + sixteenIs,
				`RateLimitDisagreement: annotation ratelimit: it says "2 mbit/second burst 64 kbytes"; nft-operator.io/rate-limit counts, with "1 gbit/second burst 1 mbytes"`,
				`RateLimitInvalid: annotation nft-operator.io/connection-limit: at column 1: "-" has no place here: write for example "100"; until then it counts as not written`,
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan := planFor(t, gateway(limiting(tt.gateway)), service("web", tt.edits...))
			if got := strings.TrimPrefix(strings.Join(held(plan), "\n"), "shop/web "); got != tt.held {
				t.Errorf("held to\n%s, want\n%s", got, tt.held)
			}
			var want []string
			for _, notice := range tt.notices {
				want = append(want, "shop/web "+notice)
			}
			wantLines(t, "notices", noticed(plan), want)
			wantLines(t, "refused", refused(plan), nil)
		})
	}
}

func TestInvalidRateLimitsCanClose(t *testing.T) {
	closed := limiting(v1alpha1.RateLimiting{OnInvalid: v1alpha1.OnInvalidClosed, Default: sixteen})
	plan := planFor(t, gateway(closed),
		service("bad", asking(prefixed, "2 mbytes", connLimit, "many")),
		service("taker", createdAt(2)),
		service("good", at("192.0.2.11"), asking(prefixed, oneGigabit)),
	)
	wantLines(t, "opened", opened(plan), []string{"shop/good 192.0.2.11 tcp/80 from any"})
	wantLines(t, "held", held(plan), []string{"shop/good 1 gbit/second burst 1 mbytes"})
	wantLines(t, "noticed", noticed(plan), nil)
	wantLines(t, "refused", refused(plan), []string{
		`shop/bad InvalidRateLimit: annotation nft-operator.io/connection-limit: at column 1: a limit starts with a number: write for example "100"`,
		`shop/bad InvalidRateLimit: annotation nft-operator.io/rate-limit: at column 9: a period is missing, such as "/second": ` + dataRight,
		"shop/taker AddressInUse: older Service shop/bad holds 192.0.2.10 tcp/80; use another address or port",
	})
}

// What a Service would be held to and told waits until it opens something.
func TestLimitsAreOfOpenServicesOnly(t *testing.T) {
	bad := asking(prefixed, "2 mbytes", connLimit, "30")
	plan := planFor(t, gateway(limiting(v1alpha1.RateLimiting{Default: sixteen})),
		service("pending", at(), bad), service("outside", at("198.51.100.1"), bad), service("web", at("192.0.2.11"), bad))
	wantLines(t, "held", held(plan), []string{"shop/web " + sixteenIs + ", 30 connections at one time for each client"})
	if len(plan.Notices) != 1 || plan.Notices[0].Service.Name != "web" {
		t.Errorf("noticed %v", noticed(plan))
	}
}
