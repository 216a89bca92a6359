package role_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
	"github.com/nft-operator/nft-operator/test/left"
)

const (
	stateFile  = "/var/lib/nft-operator/state.json"
	recordFile = trafficControlFolder + "/record.json"
)

var leave = flag.String("leave", "", "folder to write what this release leaves on a gateway to, see docs/design/upgrade.md")

// leftBehind are the gateways of test/left/testdata, with what each was told.
var leftBehind = []struct {
	folder string
	limits func(ansible.Vars) ansible.Vars
	// action that brings rules and files to those of now.
	action string
	// counters of Services are kept where their sets are what they were.
	counters bool
}{
	{"version-1", unlimited, "rules", false},
	{"version-2", unlimited, "rules", true},
	{"version-2-limits", limitedInEachWay, "rules", true},
	{"version-2-known-first", limitedInEachWay, "none", true},
}

func unlimited(vars ansible.Vars) ansible.Vars { return vars }

func limitedInEachWay(vars ansible.Vars) ansible.Vars {
	return shaped(vars, bytesIn("shop/web", 2_000_000), rated("shop/udp", 1000, "second"), ansible.ServiceLimitVars{
		Service: "shop/api", ConnectionRate: &ansible.RateVars{Unit: "connections", Amount: 1, Period: "day", Burst: 1},
	})
}

// TestAGatewayOfAnOlderReleaseIsTakenOver while connections are open, are made
// and packets pass: none of them is lost.
func TestAGatewayOfAnOlderReleaseIsTakenOver(t *testing.T) {
	for _, old := range leftBehind {
		t.Run(old.folder, func(t *testing.T) {
			h := newHost(t)
			if err := left.PutOn(h.Gateway, filepath.Join("..", "left", "testdata", old.folder)); err != nil {
				t.Fatal(err)
			}
			vars := old.limits(edge(web, web6, api, udp))
			tables, counted, passed := h.tables(t), 0.0, h.shapedBytes(t)
			if old.counters {
				counted = h.count(t, api.Address)
			}
			watch := h.watch(t)

			next := run{fence: &ansible.Fence{Epoch: 4, Sequence: 1}}
			got := h.play(t, vars, next)
			if r := got.Result; got.Status != "ok" || r.Action != old.action || r.Held != "" || len(r.Drift) > 0 || r.Backup != "" {
				t.Fatalf("%s %+v\n%s", got.Status, r, got.Output)
			}
			watch.end()

			if now := h.tables(t); now != tables {
				t.Errorf("a table is another than before:\n%s", difference(t, tables, now))
			}
			if now := h.count(t, api.Address); now != counted || old.counters && now == 0 {
				t.Errorf("%v packets were counted before, now %v", counted, now)
			}
			if now := h.dropped(t); now != 1 {
				t.Errorf("one packet was dropped before, now %v", now)
			}
			if now := h.shapedBytes(t); now < passed {
				t.Errorf("%d bytes passed the queue of shop/web before, now %d", passed, now)
			}
			h.assertNoted(t, stateFile, 3)
			h.assertConverged(t)

			before := h.footprint(t) + h.trafficControl(t)
			if r := h.play(t, vars, next).Result; r.Changed || len(r.Drift) > 0 {
				t.Errorf("once more: %+v", r)
			}
			if after := h.footprint(t) + h.trafficControl(t); after != before {
				t.Errorf("the second run left something:\n%s", difference(t, before, after))
			}
			h.refused(t, vars, run{fence: &ansible.Fence{Epoch: 2, Sequence: 9}}, ansible.ReasonStaleWriter)
		})
	}
}

// TestWhatThisReleaseLeavesIsAsItWas puts what one gateway was left with on
// another, where nothing is to be done: so what is put on for the tests above is
// what was left. With -leave it adds a folder to test/left/testdata.
func TestWhatThisReleaseLeavesIsAsItWas(t *testing.T) {
	folder := cmp.Or(*leave, t.TempDir())
	vars := leftBehind[len(leftBehind)-1].limits(edge(web, web6, api, udp))
	by := run{fence: &ansible.Fence{Epoch: 3, Sequence: 1}}
	t.Run("left", func(t *testing.T) {
		h := newHost(t)
		if got := h.play(t, vars, by); got.Status != "ok" {
			t.Fatalf("%+v", got.Result)
		}
		for _, at := range []string{"203.0.113.10:443", "203.0.113.11:8443", "203.0.113.11:8443", "203.0.113.10:444"} {
			h.knockAt(at)
		}
		if err := left.Take(h.Gateway, folder); err != nil {
			t.Fatal(err)
		}
	})
	h := newHost(t)
	if err := left.PutOn(h.Gateway, folder); err != nil {
		t.Fatal(err)
	}
	if got := h.play(t, vars, by); got.Status != "ok" || got.Result.Changed || len(got.Result.Drift) > 0 {
		t.Errorf("%s %+v", got.Status, got.Result)
	}
	if h.count(t, api.Address) == 0 || h.dropped(t) == 0 {
		t.Error("nothing was counted")
	}
}

// TestLimitsOfAnOlderReleaseKeepTheirCounts reads what the older release counted.
func TestLimitsOfAnOlderReleaseKeepTheirCounts(t *testing.T) {
	h := newHost(t)
	old := leftBehind[2]
	if err := left.PutOn(h.Gateway, filepath.Join("..", "left", "testdata", old.folder)); err != nil {
		t.Fatal(err)
	}
	if over := h.overLimit(t, "shop/api", old.limits(edge(web, web6, api, udp))); over != 6 {
		t.Errorf("6 packets were over the limit of shop/api, now %d", over)
	}
}

// TestAChangeThatAnOlderReleaseLeftWaitingIsTakenUp has the operator upgraded
// between a change and its confirmation. The older release noted no version.
func TestAChangeThatAnOlderReleaseLeftWaitingIsTakenUp(t *testing.T) {
	h := newSharedHost(t)
	h.apply(t, edge(web))
	terminate := edge(web)
	terminate.Firewall.EstablishedConnections = "terminate"
	h.leavePending(t, terminate, run{fence: &ansible.Fence{Epoch: 1, Sequence: 1}})
	h.exec(t, "sed", "-i", `s/"schema": 1, "release": "[^"]*"/"of": "before"/g`, h.pendingFile(t))
	if left := h.file(t, h.pendingFile(t)); strings.Contains(left, "schema") || !strings.Contains(left, `"of": "before"`) {
		t.Fatalf("the version is still noted: %s", left)
	}
	got := h.play(t, terminate, run{fence: &ansible.Fence{Epoch: 2, Sequence: 1}})
	if r := got.Result; got.Status != "ok" || r.Held != "" || r.RolledBack != nil || !strings.Contains(h.ours(t), `"direction"`) {
		t.Errorf("%s %+v", got.Status, r)
	}
	h.assertConverged(t)
}

// pendingFile is that of the change that waits.
func (h *host) pendingFile(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(h.exec(t, "sh", "-c", "ls /run/nft-operator/pending/*/pending.json"))
}

// TestAGatewayOfALaterReleaseIsLeftAlone raises the version of one file after
// the other, and has runs come that would open, close and remove. Each is refused
// before it changes anything.
func TestAGatewayOfALaterReleaseIsLeftAlone(t *testing.T) {
	h := newSharedHost(t)
	if got := h.play(t, shapedWeb(web, api), run{fence: &ansible.Fence{Epoch: 1, Sequence: 1}}); got.Status != "ok" {
		t.Fatalf("%+v", got.Result)
	}
	some := []string{"closes", "removes"}
	for path, attempts := range map[string][]string{
		stateFile:                                     slices.Collect(maps.Keys(attemptsOfAnOlderRelease)),
		recordFile:                                    some,
		"/var/lib/nft-operator/rolled-back.json":      some,
		"/run/nft-operator/rolled-back.json":          some,
		"/run/nft-operator/fence.json":                some,
		"/run/nft-operator/pending/5c5c/pending.json": some,
	} {
		t.Run(path, func(t *testing.T) {
			h.exec(t, "sh", "-c", "if [ -e $0 ]; then cp -p $0 /root/mine; fi", path)
			t.Cleanup(func() {
				h.exec(t, "sh", "-c", "rm $0; if [ -e /root/mine ]; then mv /root/mine $0; fi; rm -rf /run/nft-operator/pending/*", path)
			})
			h.put(t, path, `{"schema": 7, "release": "0.9.0", "what": "nobody knows yet"}`)
			before := h.footprint(t) + h.trafficControl(t)
			for _, name := range attempts {
				attempt := attemptsOfAnOlderRelease[name]
				got := h.refused(t, attempt.vars, attempt.run, ansible.ReasonNewerState)
				for _, part := range []string{path + " is of version 7", "nft-operator 0.9.0", "nothing was changed", "Upgrade the operator", "docs/upgrade.md"} {
					if !strings.Contains(got.Result.Msg, part) {
						t.Errorf("%s: %q is not in the message: %s", name, part, got.Result.Msg)
					}
				}
				if after := h.footprint(t) + h.trafficControl(t); after != before {
					t.Fatalf("%s: something changed:\n%s", name, difference(t, before, after))
				}
			}
			h.assertConverged(t) // it still boots with what is in force
		})
	}
	if got := h.apply(t, shapedWeb(web, api)).Result; got.Changed || len(got.Drift) > 0 {
		t.Errorf("afterwards: %+v", got)
	}
}

var attemptsOfAnOlderRelease = map[string]struct {
	vars ansible.Vars
	run  run
}{
	"as before":     {shapedWeb(web, api), run{}},
	"opens":         {shapedWeb(web, web6, api), run{fence: &ansible.Fence{Epoch: 1, Sequence: 2}}},
	"closes":        {edge(), run{fence: &ansible.Fence{Epoch: 1, Sequence: 2}}},
	"openings only": {shapedWeb(web6), run{hold: true}},
	"tries again":   {edge(web6), run{retry: true}},
	"dry":           {edge(web6), run{dry: true}},
	"removes":       {edge(), run{removal: true, fence: &ansible.Fence{Epoch: 1, Sequence: 2}}},
	"removes, dry":  {edge(), run{removal: true, dry: true}},
}

// shapedWeb is an intent with which tc has something to do.
func shapedWeb(exposures ...ansible.ExposureVar) ansible.Vars {
	return shaped(edge(exposures...), bytesIn("shop/web", 2_000_000))
}

// TestAnOlderRoleLeavesWhatALaterOneMade has the role of a later release, which
// is this one with higher numbers, take a gateway over and back.
func TestAnOlderRoleLeavesWhatALaterOneMade(t *testing.T) {
	h := newSharedHost(t)
	later := laterRelease(t)
	vars := shapedWeb(web, api)
	h.apply(t, vars)
	if got := h.play(t, vars, run{playbooks: later}); got.Status != "ok" || got.Result.Changed || len(got.Result.Drift) > 0 {
		t.Fatalf("the later release: %s %+v", got.Status, got.Result)
	}
	h.assertNoted(t, stateFile, 4)
	before := h.footprint(t)
	got := h.refused(t, edge(), run{}, ansible.ReasonNewerState)
	if !strings.Contains(got.Result.Msg, stateFile+" is of version 4, written by nft-operator 9.8.7") {
		t.Errorf("message: %s", got.Result.Msg)
	}
	if after := h.footprint(t); after != before {
		t.Errorf("something changed:\n%s", difference(t, before, after))
	}
	if got := h.play(t, edge(web), run{playbooks: later}); got.Status != "ok" || len(got.Result.Drift) > 0 {
		t.Errorf("the later release again: %s %+v", got.Status, got.Result)
	}
	h.assertNoted(t, stateFile, 4)
}

// TestGoingBackWithoutTheState moves the state of a later release away, as
// docs/upgrade.md tells: what is in force is compared, and kept.
func TestGoingBackWithoutTheState(t *testing.T) {
	h := newHost(t)
	h.apply(t, edge(web, udp, api))
	counted, tables := h.knock(t), h.tables(t)
	h.put(t, stateFile, strings.Replace(h.file(t, stateFile), `"schema": 3`, `"schema": 4`, 1))
	h.refused(t, edge(web, udp, api), run{}, ansible.ReasonNewerState)
	watch := h.watch(t, web)
	h.exec(t, "mv", stateFile, stateFile+".later")
	if got := h.apply(t, edge(web, udp, api)).Result; got.Changed {
		t.Errorf("%+v", got)
	}
	watch.end()
	if now := h.tables(t); now != tables || h.count(t, web.Address) < counted {
		t.Errorf("a table was replaced:\n%s", difference(t, tables, now))
	}
}

// TestAnotherReleaseMayDigestOtherwise has a state with other hashes of the same
// rules: of another release they tell nothing, of this one they tell of a hand.
func TestAnotherReleaseMayDigestOtherwise(t *testing.T) {
	h := newSharedHost(t)
	vars := limited(edge(web), rated("shop/web", 400, "second"))
	h.apply(t, vars)
	digested := regexp.MustCompile(`("kernel"|"limits"): "[0-9a-f]{64}"`).ReplaceAllString(h.file(t, stateFile), `$1: "5c"`)
	release := regexp.MustCompile(`"release": "[^"]+"`)
	for written, drift := range map[string]int{`"release": "0.0.9"`: 0, release.FindString(digested): 2} {
		h.put(t, stateFile, release.ReplaceAllString(digested, written))
		if got := h.apply(t, vars).Result; got.Changed || len(got.Drift) != drift {
			t.Errorf("%s: %+v", written, got)
		}
	}
}

// TestOnlyVariablesOfItsOwnReleaseAreTaken meets an operator that is older than
// the role, and one that is newer.
func TestOnlyVariablesOfItsOwnReleaseAreTaken(t *testing.T) {
	h := newSharedHost(t)
	h.apply(t, edge(web))
	before := h.footprint(t)
	for name, schema := range map[string]int{"an older release": ansible.SchemaVersion - 1, "a newer release": ansible.SchemaVersion + 1} {
		vars := edge(web, api)
		vars.Schema = schema
		got := h.refused(t, vars, run{}, ansible.ReasonInvalidVars)
		for _, part := range []string{fmt.Sprintf("nft_schema is %d", schema), name, "of one release", "docs/upgrade.md"} {
			if !strings.Contains(got.Result.Msg, part) {
				t.Errorf("%s: %q is not in the message: %s", name, part, got.Result.Msg)
			}
		}
	}
	if after := h.footprint(t); after != before {
		t.Errorf("something changed:\n%s", difference(t, before, after))
	}
}

// laterRelease copies playbooks, role and templates, with every version higher
// by one, and returns the folder of the playbooks.
func laterRelease(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	playbooks := filepath.Join(folder, "playbooks")
	for _, step := range [][]string{
		{"cp", "-r", repository(t, "playbooks"), playbooks},
		{"cp", "-r", repository(t, "templates"), filepath.Join(playbooks, "templates")},
		{"cp", "-r", repository(t, "roles"), filepath.Join(playbooks, "roles")}, // found there before any other
	} {
		if output, err := exec.Command(step[0], step[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
	}
	path := filepath.Join(playbooks, "roles", "nft", "module_utils", "nft_operator", "versions.py")
	text := regexp.MustCompile(`(?m)^([A-Z_]+) = ([0-9]+)$`).ReplaceAllStringFunc(read(t, path), func(line string) string {
		name, number, _ := strings.Cut(line, " = ")
		version, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s = %d", name, version+1)
	})
	text = regexp.MustCompile(`(?m)^RELEASE = "[^"]*"`).ReplaceAllString(text, `RELEASE = "9.8.7"`)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return playbooks
}

// assertNoted demands that a file says its version and who wrote it.
func (h *host) assertNoted(t *testing.T, path string, version int) {
	t.Helper()
	var noted struct {
		Schema  int
		Release string
	}
	if err := json.Unmarshal([]byte(h.file(t, path)), &noted); err != nil || noted.Schema != version || noted.Release == "" {
		t.Errorf("%s: %+v %v", path, noted, err)
	}
}

// tables lists our tables by their handles, which a table that is replaced does
// not keep.
func (h *host) tables(t *testing.T) string {
	t.Helper()
	return h.exec(t, "nft", "--handle", "list", "tables")
}

// shapedBytes is how much passed the queue of the first Service that is shaped.
func (h *host) shapedBytes(t *testing.T) int {
	t.Helper()
	shown := h.exec(t, "sh", "-c", "tc -statistics class show dev nftop-shape 2>/dev/null; true")
	sent := regexp.MustCompile(`class htb 1:2 (?s:.*?)Sent ([0-9]+) bytes`).FindStringSubmatch(shown)
	if sent == nil {
		return 0
	}
	number, err := strconv.Atoi(sent[1])
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// watch has a connection open and others made, over TCP and UDP, until its end.
type watch struct {
	t       *testing.T
	streams []*lab.Stream
	caller  *lab.Caller
	mutex   sync.Mutex
	lost    []lab.Loss
}

func (h *host) watch(t *testing.T, doors ...ansible.ExposureVar) *watch {
	t.Helper()
	if doors == nil {
		doors = []ansible.ExposureVar{web, web6}
	}
	w := &watch{t: t}
	client := h.topology.Client
	var calls []lab.Call
	for _, door := range append(slices.Clone(doors), udp) {
		to := netip.AddrPortFrom(netip.MustParseAddr(door.Address), door.Port)
		from := client.Primary.IPv4
		if to.Addr().Is6() {
			from = client.Primary.IPv6
		}
		protocol := lab.Protocol(door.Protocol)
		server, err := h.topology.Node.Serve(protocol, to)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
		calls = append(calls, lab.Call{Protocol: protocol, From: from, To: to})
		if protocol == lab.TCP {
			stream, err := client.OpenStream(from, to, 3*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			w.streams = append(w.streams, stream)
		}
	}
	w.caller = client.KeepCalling(10*time.Millisecond, 3*time.Second, func(loss lab.Loss) {
		w.mutex.Lock()
		defer w.mutex.Unlock()
		w.lost = append(w.lost, loss)
	}, calls...)
	time.Sleep(200 * time.Millisecond) // packets pass before anything is changed
	return w
}

// end fails the test if anything was lost.
func (w *watch) end() {
	w.t.Helper()
	report := w.caller.Close()
	for _, stream := range w.streams {
		state := stream.Close()
		if state.Broken != nil || state.Bytes == 0 || state.Resent > state.Needless {
			w.t.Errorf("%s: %+v", stream.Name, state)
		}
	}
	if len(w.lost) > 0 || report.Made == 0 {
		w.t.Errorf("%d of %d calls were lost: %v", len(w.lost), report.Made, w.lost[:min(5, len(w.lost))])
	}
	w.t.Logf("%d calls, the longest %s; %d streams", report.Made, report.Longest, len(w.streams))
}
