package vm_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

// theirRule is an administrator's own rule, which concerns no packet of the tests.
const theirRule = "ip saddr 198.51.100.99 counter"

// newFilteredGateway boots a machine and brings it to its intent, an
// administrator's rule included.
func newFilteredGateway(t *testing.T) *gateway {
	t.Helper()
	g := newGateway(t)
	g.services[0].Annotations = map[string]string{"nft-operator.io/rate-limit": "1 gbit", "nft-operator.io/connection-limit": "1000"}
	g.spec.RateLimiting.Engine = v1alpha1.RateLimitNftables
	must(t, g.ReplaceFile(localChain, []byte("chain local-chain {\n\t"+theirRule+"\n}\n"), 0o644))
	g.apply(t)
	if rules := g.rules(t); !strings.Contains(rules, "ip saddr 198.51.100.99") {
		t.Fatalf("the administrator's rule is not in force:\n%s", rules)
	}
	return g
}

func TestRebootLoadsTheRulesetBeforeTheNetworkIsUp(t *testing.T) {
	g := newFilteredGateway(t)
	before, limits := g.rules(t), g.limits(t)

	must(t, g.Reboot())

	g.expectOnlyWeb(t)
	g.expectRules(t, before)
	if got := g.limits(t); got != limits || !strings.Contains(got, "limit rate-shop/web") {
		t.Errorf("the kernel holds the limits:\n%s\nwant:\n%s", got, limits)
	}
	loaded := g.monotonic(t, "nft-operator.service", "ActiveEnterTimestampMonotonic")
	for unit, property := range map[string]string{
		"network-pre.target":       "ActiveEnterTimestampMonotonic",
		"systemd-networkd.service": "ExecMainStartTimestampMonotonic",
	} {
		if started := g.monotonic(t, unit, property); loaded > started {
			t.Errorf("the ruleset was loaded %d µs after the start of %s", loaded-started, unit)
		}
	}
	if outcome := g.apply(t); outcome.Action != "none" || len(outcome.Drift) > 0 {
		t.Errorf("what was loaded at boot is not what was applied: %+v", outcome)
	}
}

// monotonic is a time of one of systemd's units, in microseconds since the boot.
func (g *gateway) monotonic(t *testing.T, unit, property string) int {
	t.Helper()
	output, err := g.Exec("systemctl", "show", "--value", "--property="+property, unit)
	must(t, err)
	since, err := strconv.Atoi(strings.TrimSpace(output))
	must(t, err)
	if since == 0 {
		t.Fatalf("%s of %s: it was not started", property, unit)
	}
	return since
}

func TestBootWithABrokenFile(t *testing.T) {
	g := newFilteredGateway(t)
	before := g.rules(t)
	for _, path := range []string{
		"/etc/nftables.conf",
		localChain,
		"/etc/nft-operator/local-chain.nft",
	} {
		t.Run(strings.ReplaceAll(path, "/", " "), func(t *testing.T) {
			whole, err := g.ReadFile(path)
			must(t, err)
			must(t, g.ReplaceFile(path, []byte("this is } no ruleset {\n"), 0o644))

			knocking := g.startKnocking(t)
			must(t, g.Reset())
			knocking.awaitRound(t)
			knocking.stopAndExpectNothing(t)
			g.expectRules(t, before)

			if path == localChain { // nobody but the administrator mends it
				if outcome := g.apply(t); outcome.LocalChain.State != "Broken" {
					t.Errorf("the local chain is reported as %+v", outcome.LocalChain)
				}
				must(t, g.ReplaceFile(path, whole, 0o644))
			}
			g.apply(t)
			if mended, err := g.ReadFile(path); err != nil || string(mended) != string(whole) {
				t.Errorf("%s says %q, %v", path, mended, err)
			}
			g.expectRules(t, before)
		})
	}
}

// localChain is the administrator's.
const localChain = "/etc/nftables.d/local-chain.nft"

// rules lists the operator's table without what packets put there.
func (g *gateway) rules(t *testing.T) string {
	t.Helper()
	rules, err := g.Exec("nft", "--stateless", "--terse", "list", "table", "inet", "nft_operator")
	must(t, err)
	for _, set := range []string{"public_interfaces", "services4", "services6"} {
		listing, err := g.Exec("nft", "--stateless", "list", "set", "inet", "nft_operator", set)
		must(t, err)
		rules += listing
	}
	return rules
}

// limits lists the table of limits, what packets put there left out.
func (g *gateway) limits(t *testing.T) string {
	t.Helper()
	limits, err := g.Exec("nft", "--stateless", "--terse", "list", "table", "inet", "nft_operator_limits")
	must(t, err)
	return limits
}

func (g *gateway) expectRules(t *testing.T, want string) {
	t.Helper()
	if got := g.rules(t); got != want {
		t.Errorf("the kernel holds:\n%s\nwant:\n%s", got, want)
	}
}
