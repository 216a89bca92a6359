package role_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
)

// shaped has Services wait for their turn rather than lose packets.
func shaped(vars ansible.Vars, limits ...ansible.ServiceLimitVars) ansible.Vars {
	vars = limited(vars, limits...)
	vars.Limits.Mode = "shape"
	return vars
}

// bytesIn limits all of a Service to so many bytes a second.
func bytesIn(service string, amount uint64) ansible.ServiceLimitVars {
	return ansible.ServiceLimitVars{Service: service, Rate: &ansible.RateVars{Unit: "bytes", Amount: amount, Period: "second", Burst: 65536}}
}

func TestShapingComesAndGoes(t *testing.T) {
	h := newSharedHost(t)
	h.apply(t, edge(web, api, web6))
	bare, files := h.trafficControl(t), h.files(t)
	asked := shaped(edge(web, api, web6), bytesIn("shop/web", 2_000_000), rated("shop/api", 400, "second"))

	dry := h.play(t, asked, run{dry: true})
	if !dry.Result.Changed || !strings.Contains(dry.Output, "+class add dev nftop-shape parent 1: classid 1:2 htb rate 16000000bit") {
		t.Errorf("a dry run does not show the limit:\n%s", dry.Output)
	}
	if after := h.trafficControl(t) + h.files(t); after != bare+files {
		t.Errorf("a dry run changed something:\n%s", difference(t, bare+files, after))
	}

	got := h.apply(t, asked).Result
	if !got.Changed || got.Limits.Engine != "TrafficControl" || !strings.Contains(got.Limits.Because, "htb") {
		t.Errorf("%+v", got)
	}
	if rules := h.table(t, "nft_operator_limits"); strings.Contains(rules, "rate-shop/web") || !strings.Contains(rules, "rate-shop/api") {
		t.Errorf("nft limits %s", rules)
	}
	h.assertConverged(t)
	if again := h.apply(t, asked).Result; again.Changed || len(again.Drift) > 0 {
		t.Errorf("once more: %+v", again)
	}

	for what, vars := range map[string]ansible.Vars{
		"another engine":     limited(edge(web, api, web6), rated("shop/api", 400, "second")),
		"no limits any more": edge(web, api, web6),
	} {
		t.Run(what, func(t *testing.T) {
			h.apply(t, asked)
			if gone := h.apply(t, vars).Result; !gone.Changed || len(gone.Drift) > 0 {
				t.Errorf("%+v", gone)
			}
			if after := h.trafficControl(t); after != bare || h.has(trafficControlFolder) || strings.Contains(h.files(t), "nft-operator-limits") {
				t.Errorf("something is left:\n%s", difference(t, bare, after))
			}
		})
	}
}

// TestShapingChangesOnlyWhatDiffers has a Service's queue keep its count while
// others come, change and go.
func TestShapingChangesOnlyWhatDiffers(t *testing.T) {
	h := newHost(t)
	other := open("shop/other", "203.0.113.20", 80)
	h.apply(t, shaped(edge(web, other), bytesIn("shop/web", 2_000_000), bytesIn("shop/other", 2_000_000)))
	h.knock(t)
	before := h.waited(t, "2")
	if strings.Contains(before, "Sent 0 bytes") {
		t.Fatalf("nothing passed the queue of shop/web:\n%s", before)
	}
	for what, vars := range map[string]ansible.Vars{
		"another rate":     shaped(edge(web, other), bytesIn("shop/web", 2_000_000), bytesIn("shop/other", 3_000_000)),
		"one fewer":        shaped(edge(web, other), bytesIn("shop/web", 2_000_000)),
		"one more Service": shaped(edge(web, other, api), bytesIn("shop/web", 2_000_000), bytesIn("shop/api", 100_000)),
		"one port more":    shaped(edge(web, web6, open("shop/web", "203.0.113.10", 8080)), bytesIn("shop/web", 2_000_000)),
	} {
		t.Run(what, func(t *testing.T) {
			if got := h.apply(t, vars).Result; !got.Changed || len(got.Drift) > 0 {
				t.Errorf("%+v", got)
			}
			if now := h.waited(t, "2"); now != before {
				t.Errorf("the queue of shop/web was touched:\n%s", difference(t, before, now))
			}
			if again := h.apply(t, vars).Result; again.Changed {
				t.Errorf("once more: %+v", again)
			}
		})
	}
}

// TestShapingThatAHandChangedIsMended leaves what others placed alone.
func TestShapingThatAHandChangedIsMended(t *testing.T) {
	h := newSharedHost(t)
	h.exec(t, "tc", "qdisc", "add", "dev", lab.PublicInterface, "clsact")
	h.exec(t, "tc", "filter", "add", "dev", lab.PublicInterface, "ingress", "protocol", "ip", "pref", "7", "u32", "match", "ip", "dst", "203.0.113.99", "flowid", "1:1")
	theirs := h.trafficControl(t)
	vars := shaped(edge(web, api, web6), bytesIn("shop/api", 100_000), bytesIn("shop/web", 2_000_000))
	h.apply(t, vars)
	whole := h.trafficControl(t)
	for _, test := range []struct{ hand, told string }{
		{"tc filter delete dev eth0 ingress pref 20038", "what tc does at eth0 was changed"},
		{"tc class change dev nftop-shape parent 1: classid 1:2 htb rate 1mbit", "what tc does at eth0 was changed"},
		{"ip link delete nftop-shape", "what tc does at eth0 was changed"},
		{"ip link set nftop-shape down", "what tc does at eth0 was changed"},
		{"rm " + trafficControlFolder + "/shared", trafficControlFolder + "/shared was deleted"},
		{"echo >> " + trafficControlFolder + "/interfaces/eth0", trafficControlFolder + "/interfaces/eth0 was edited"},
		{"echo nonsense > " + trafficControlFolder + "/record.json", trafficControlFolder + "/record.json was edited"},
	} {
		t.Run(test.hand, func(t *testing.T) {
			h.exec(t, "sh", "-ec", test.hand)
			if got := h.apply(t, vars).Result; !got.Changed || !strings.Contains(strings.Join(got.Drift, "\n"), test.told) {
				t.Errorf("%+v", got)
			}
			if now := h.trafficControl(t); now != whole {
				t.Errorf("not as it was:\n%s", difference(t, whole, now))
			}
			if got := h.apply(t, vars).Result; got.Changed || len(got.Drift) > 0 {
				t.Errorf("once more: %+v", got)
			}
		})
	}
	h.apply(t, edge(web))
	if now := h.trafficControl(t); now != theirs {
		t.Errorf("what others placed is not as it was:\n%s", difference(t, theirs, now))
	}
}

// TestShapingGoesWithTheGateway takes everything off that an apply made.
func TestShapingGoesWithTheGateway(t *testing.T) {
	h := newSharedHost(t)
	before := h.trafficControl(t)
	h.apply(t, shaped(edge(web), bytesIn("shop/web", 2_000_000)))
	for _, again := range []bool{false, true} {
		for _, dry := range []bool{true, false} {
			got := h.play(t, edge(), run{removal: true, dry: dry})
			if got.Status != "ok" || got.Result.Changed == again {
				t.Fatalf("dry %t, again %t: %s: %s", dry, again, got.Status, got.Output)
			}
		}
	}
	if after := h.trafficControl(t); after != before {
		t.Errorf("something is left:\n%s", difference(t, before, after))
	}
	if left := h.exec(t, "sh", "-c", "find /etc /var/lib -path '*nft-operator*'"); left != "/etc/nftables.conf.before-nft-operator\n" && left != "" {
		t.Errorf("files are left:\n%s", left)
	}
}

// TestAPlaceThatAHandTookIsNotTakenAgain removes limits where clsact, which an
// apply made for them, is gone, or where somebody else made another one.
func TestAPlaceThatAHandTookIsNotTakenAgain(t *testing.T) {
	for _, hand := range []string{
		"tc qdisc delete dev eth0 clsact",
		"tc qdisc delete dev eth0 clsact && tc qdisc add dev eth0 ingress",
	} {
		t.Run(hand, func(t *testing.T) {
			h := newHost(t)
			h.apply(t, shaped(edge(web), bytesIn("shop/web", 2_000_000)))
			h.exec(t, "sh", "-ec", hand)
			theirs := h.exec(t, "tc", "qdisc", "show", "dev", "eth0")
			if got := h.apply(t, edge(web)).Result; !got.Changed || !strings.Contains(strings.Join(got.Drift, "\n"), "what tc does at eth0 was changed") {
				t.Errorf("%+v", got)
			}
			if got := h.apply(t, edge(web)).Result; got.Changed {
				t.Errorf("once more: %+v", got)
			}
			if now := h.exec(t, "tc", "qdisc", "show", "dev", "eth0"); now != theirs {
				t.Errorf("not as the hand left it:\n%s", difference(t, theirs, now))
			}
		})
	}
}

// TestARecordThatIsLostLeavesNothingBehind takes the numbers of what is there
// away, at the moment at which nothing is limited any more.
func TestARecordThatIsLostLeavesNothingBehind(t *testing.T) {
	for _, hand := range []string{"echo nonsense > " + trafficControlFolder + "/record.json", "rm " + trafficControlFolder + "/record.json"} {
		t.Run(hand, func(t *testing.T) {
			h := newHost(t)
			h.apply(t, edge(web))
			before := h.trafficControl(t)
			h.apply(t, shaped(edge(web), bytesIn("shop/web", 2_000_000)))
			h.exec(t, "sh", "-ec", hand)
			if got := h.apply(t, edge(web)).Result; !got.Changed || !strings.Contains(strings.Join(got.Drift, "\n"), "record.json") {
				t.Errorf("%+v", got)
			}
			if after := strings.ReplaceAll(h.trafficControl(t), "qdisc clsact ffff: dev eth0 parent ffff:fff1 \n", ""); after != before || h.has(trafficControlFolder) {
				t.Errorf("something is left:\n%s", difference(t, before, after))
			}
		})
	}
}

// TestFiltersOfOthersAtOurPlaceStay finds filters at our preferences before ours.
func TestFiltersOfOthersAtOurPlaceStay(t *testing.T) {
	h := newSharedHost(t)
	h.exec(t, "tc", "qdisc", "add", "dev", lab.PublicInterface, "clsact")
	h.exec(t, "tc", "filter", "add", "dev", lab.PublicInterface, "ingress", "protocol", "ip", "pref", "20038", "u32", "match", "ip", "dst", "203.0.113.99", "flowid", "1:1")
	theirs := h.trafficControl(t)
	got := h.refused(t, shaped(edge(web), bytesIn("shop/web", 2_000_000)), run{}, ansible.ReasonLimitsUnsupported)
	if !strings.Contains(got.Result.Msg, "preferences 20038") {
		t.Errorf("message: %s", got.Result.Msg)
	}
	if got := h.play(t, edge(), run{removal: true}); got.Status != "ok" {
		t.Errorf("they keep the operator from being removed: %s", got.Result.Msg)
	}
	if now := h.trafficControl(t); now != theirs {
		t.Errorf("not as it was:\n%s", difference(t, theirs, now))
	}
}

// TestAnEngineThatAHostLacks asks for policing by tc of a kernel that has none.
func TestAnEngineThatAHostLacks(t *testing.T) {
	h := newSharedHost(t)
	h.apply(t, edge(web))
	before := h.kernel(t) + h.files(t) + h.trafficControl(t)
	vars := limited(edge(web, api), bytesIn("shop/web", 2_000_000))
	vars.Limits.Engine = "traffic_control"
	got := h.refused(t, vars, run{}, ansible.ReasonLimitsUnsupported)
	if !strings.Contains(got.Result.Msg, "engine: Auto") {
		t.Errorf("message: %s", got.Result.Msg)
	}
	if after := h.kernel(t) + h.files(t) + h.trafficControl(t); after != before {
		t.Errorf("something changed:\n%s", difference(t, before, after))
	}
	vars.Limits.Engine = "auto"
	if limits := h.apply(t, vars).Result.Limits; limits.Engine != "Nftables" || !strings.Contains(limits.Because, "tc") {
		t.Errorf("%+v", limits)
	}
}

// trafficControlFolder holds what a boot loads with tc.
const trafficControlFolder = "/var/lib/nft-operator/tc"

// trafficControl is what tc shows.
func (h *host) trafficControl(t reporter) string {
	t.Helper()
	shown := h.exec(t, "sh", "-c", `tc qdisc show | sort; tc filter show dev eth0 ingress; tc class show dev nftop-shape 2>/dev/null | sort; tc filter show dev nftop-shape 2>/dev/null; ip -o link show nftop-shape 2>/dev/null | grep -o "<.*>"; true`)
	return rootTables.ReplaceAllString(shown, "$1 root")
}

// rootTables are numbered by the kernel.
var rootTables = regexp.MustCompile(`\b(fh|ht) 8[0-9a-f]{2}\b`)

// waited tells of the packets that passed a Service's queue.
func (h *host) waited(t reporter, number string) string {
	t.Helper()
	return h.exec(t, "sh", "-c", "tc -statistics qdisc show dev nftop-shape | grep -A 2 'parent 1:"+number+" '")
}
