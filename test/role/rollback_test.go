package role_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
)

// cutting is a run that makes the side that it comes from a public one, so that
// nobody can come in anew.
var cutting = run{interfaces: []string{lab.PublicInterface, lab.ClusterInterface}, confirm: 5}

// patience is longer than any change of these tests waits to be confirmed.
const patience = 30 * time.Second

// awaitRollback waits until nothing is pending any more.
func (h *host) awaitRollback(t reporter) {
	t.Helper()
	h.await(t, "the rollback", func() bool { return h.exec(t, "sh", "-c", "ls /run/nft-operator/pending") == "" })
}

func (h *host) await(t reporter, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
	}
}

// lasting is everything that a change that was taken back must have left as it
// was: the kernel, and the files but for the note about it.
func (h *host) lasting(t reporter) string {
	t.Helper()
	var files []string
	for line := range strings.Lines(h.files(t)) {
		if !strings.Contains(line, "/rolled-back.json") && !strings.Contains(line, "/var/lib/nft-operator d") {
			files = append(files, line)
		}
	}
	return h.ours(t) + "\n" + strings.Join(files, "")
}

func TestAChangeThatCutsTheWayInIsTakenBack(t *testing.T) {
	h := newSharedHost(t)
	h.apply(t, edge(web))
	before := h.lasting(t)

	got := h.refused(t, edge(web), cutting, ansible.ReasonNotConfirmed)
	if !strings.Contains(got.Result.Msg, "managementCIDRs") {
		t.Errorf("message: %s", got.Result.Msg)
	}
	h.awaitRollback(t)
	if after := h.lasting(t); after != before {
		t.Errorf("something stayed:\n%s", difference(t, before, after))
	}

	// The same is not tried again, and Services go on.
	again := h.play(t, edge(web, api), cutting)
	if r := again.Result; again.Status != "ok" || r.Held != ansible.HeldRolledBack || r.RolledBack == nil || r.RolledBack.Revision == r.Revision || r.Action != "elements" {
		t.Fatalf("%s %+v", again.Status, r)
	}
	if !strings.Contains(h.ours(t), api.Address) {
		t.Error("the new Service is not open")
	}
	h.assertConverged(t)
	if r := h.play(t, edge(web, api), cutting).Result; r.Changed || r.Held != ansible.HeldRolledBack {
		t.Errorf("once more: %+v", r)
	}

	// Another intent is tried, and then all is forgotten.
	if r := h.apply(t, edge(web)).Result; r.Held != "" || r.RolledBack == nil {
		t.Errorf("another intent: %+v", r)
	}
	if r := h.apply(t, edge(web)).Result; r.RolledBack != nil || r.Changed {
		t.Errorf("after that: %+v", r)
	}
}

func TestWhatWasTakenBackIsTriedAgainWhereAPersonSaysSo(t *testing.T) {
	h := newSharedHost(t)
	h.apply(t, edge(web))
	h.refused(t, edge(web), cutting, ansible.ReasonNotConfirmed)
	h.awaitRollback(t)
	insistent := cutting
	insistent.retry = true
	h.refused(t, edge(web), insistent, ansible.ReasonNotConfirmed)
	h.awaitRollback(t)
}

// TestANewOperatorTriesOnce is about one that was killed before it could
// confirm: nothing is wrong with its change.
func TestANewOperatorTriesOnce(t *testing.T) {
	h := newSharedHost(t)
	h.apply(t, edge(web))
	first := cutting
	first.fence = &ansible.Fence{Epoch: 1, Sequence: 1}
	h.refused(t, edge(web), first, ansible.ReasonNotConfirmed)
	h.awaitRollback(t)
	first.fence = &ansible.Fence{Epoch: 1, Sequence: 2}
	if r := h.play(t, edge(web), first).Result; r.Held != ansible.HeldRolledBack {
		t.Errorf("the same operator: %+v", r)
	}
	first.fence = &ansible.Fence{Epoch: 2, Sequence: 1}
	h.refused(t, edge(web), first, ansible.ReasonNotConfirmed)
	h.awaitRollback(t)
	first.fence = &ansible.Fence{Epoch: 2, Sequence: 2}
	if r := h.play(t, edge(web), first).Result; r.Held != ansible.HeldRolledBack {
		t.Errorf("the new operator once more: %+v", r)
	}
}

func TestAFirstApplyThatCutsTheWayInLeavesNothing(t *testing.T) {
	h := newSharedHost(t)
	h.refused(t, edge(web), cutting, ansible.ReasonNotConfirmed)
	h.awaitRollback(t)
	if rules := h.kernel(t); rules != "" {
		t.Errorf("the kernel has rules:\n%s", rules)
	}
	h.refused(t, edge(web), cutting, ansible.ReasonRolledBack)
	h.apply(t, edge(web))
}

func TestALocalChainThatCutsTheWayInIsTakenBackAlone(t *testing.T) {
	h := newSharedHost(t)
	// The way in is a public interface, which only ssh.sources opens, and those
	// are asked after the local chain.
	vars := edge(web)
	vars.Firewall.SSHSources.IPv4 = []string{"192.0.2.0/24"}
	h.put(t, theirChain, theirs(7001))
	if got := h.play(t, vars, cutting); got.Status != "ok" {
		t.Fatalf("%+v", got.Result)
	}
	h.put(t, theirChain, "chain local-chain {\n\tdrop\n}\n")
	h.refused(t, vars, cutting, ansible.ReasonNotConfirmed)
	h.awaitRollback(t)

	more := edge(web, api)
	more.Firewall = vars.Firewall
	got := h.play(t, more, cutting)
	if r := got.Result; got.Status != "ok" || r.Held != "" || r.LocalChain.State != ansible.LocalChainBroken || !strings.Contains(r.LocalChain.Message, "taken back") {
		t.Fatalf("%s %+v", got.Status, r)
	}
	if ours := h.ours(t); !strings.Contains(ours, "7001") || !strings.Contains(ours, api.Address) {
		t.Error("the last good file, or the new Service, is not in force")
	}
	h.put(t, theirChain, theirs(7002))
	if r := h.play(t, more, cutting).Result; r.LocalChain.State != "Accepted" || !strings.Contains(h.ours(t), "7002") {
		t.Errorf("the mended file: %+v", r)
	}
}

// TestAKilledRunIsTakenUpByTheNext kills ansible-playbook when the change is in
// force and waits: the next operator confirms it.
func TestAKilledRunIsTakenUpByTheNext(t *testing.T) {
	h := newSharedHost(t)
	h.apply(t, edge(web))
	terminate := edge(web)
	terminate.Firewall.EstablishedConnections = "terminate"
	h.leavePending(t, terminate, run{fence: &ansible.Fence{Epoch: 1, Sequence: 1}})

	other := edge(web, api)
	h.refused(t, other, run{fence: &ansible.Fence{Epoch: 2, Sequence: 1}}, ansible.ReasonRollbackPending)
	got := h.play(t, terminate, run{fence: &ansible.Fence{Epoch: 2, Sequence: 2}})
	if r := got.Result; got.Status != "ok" || r.Action != "rules" || r.RolledBack != nil {
		t.Fatalf("%s %+v", got.Status, r)
	}
	if left := h.exec(t, "sh", "-c", "ls /run/nft-operator/pending"); left != "" {
		t.Errorf("still pending: %s", left)
	}
	h.assertConverged(t)
}

// TestAChangeThatNobodyWatchesIsTakenBackByTheNextRun kills the program that
// would have taken it back.
func TestAChangeThatNobodyWatchesIsTakenBackByTheNextRun(t *testing.T) {
	h := newSharedHost(t)
	h.apply(t, edge(web))
	terminate := edge(web)
	terminate.Firewall.EstablishedConnections = "terminate"
	h.leavePending(t, terminate, run{})
	h.exec(t, "pkill", "-KILL", "-f", "rollback.py")

	got := h.apply(t, edge(web)).Result
	if got.RolledBack == nil || got.Changed {
		t.Errorf("%+v", got)
	}
	if strings.Contains(h.ours(t), `"direction"`) {
		t.Error("the change is still in force")
	}
}

// TestARollbackThatCannotBeSeenKeepsNobodyOut makes it impossible to recognize
// what is to come back. Whoever comes in meanwhile brings the host to its goal.
func TestARollbackThatCannotBeSeenKeepsNobodyOut(t *testing.T) {
	h := newSharedHost(t)
	h.apply(t, edge(web))
	terminate := edge(web)
	terminate.Firewall.EstablishedConnections = "terminate"
	h.leavePending(t, terminate, run{confirm: 10})
	h.exec(t, "sh", "-ec", `for f in /run/nft-operator/pending/*/pending.json; do
		sed 's/"listing": \[/&"no such line", /' "$f" > "$f.new"; mv "$f.new" "$f"; done`)
	var got answer
	h.await(t, "the next run", func() bool { got = h.play(t, edge(web, api), run{}); return got.Status == "ok" })
	if got.Result.Held != "" || got.Result.RolledBack == nil {
		t.Errorf("%+v", got.Result)
	}
	if left := h.exec(t, "sh", "-c", "ls /run/nft-operator/pending"); left != "" {
		t.Errorf("still pending: %s", left)
	}
	h.assertConverged(t)
}

// TestCountersSurviveARollback compares a Service's counter before a change,
// within it and after it was taken back.
func TestCountersSurviveARollback(t *testing.T) {
	h := newHost(t)
	h.apply(t, edge(web))
	counted := h.knock(t)
	h.refused(t, edge(web), cutting, ansible.ReasonNotConfirmed)
	during := h.knock(t)
	h.awaitRollback(t)
	if after := h.count(t, "203.0.113.10"); counted == 0 || during <= counted || after < during {
		t.Errorf("counted %v before, %v during, %v after", counted, during, after)
	}
}

// TestDropsSurviveARollback has a packet dropped before a change and more while
// it waits. That they are noted must not hide that the rules are back in place.
func TestDropsSurviveARollback(t *testing.T) {
	h := newHost(t)
	h.apply(t, edge(web))
	h.knockAt(web.Address + ":1001")
	terminate := edge(web)
	terminate.Firewall.EstablishedConnections = "terminate"
	h.leavePending(t, terminate, run{confirm: 5})
	h.await(t, "the rollback", func() bool {
		h.knockAt(web.Address + ":1002")
		return h.exec(t, "sh", "-c", "ls /run/nft-operator/pending") == ""
	})
	noted := h.exec(t, "nft", "list", "set", "inet", "nft_operator", "drops4")
	for _, port := range []string{"1001", "1002"} {
		if !strings.Contains(noted, web.Address+" . tcp . "+port) {
			t.Errorf("what was dropped at port %s is not noted any more: %s", port, noted)
		}
	}
	if r := h.apply(t, edge(web)).Result; r.RolledBack == nil || r.Changed {
		t.Errorf("after the rollback: %+v", r)
	}
}

// TestWhereNothingCanBeArmedNothingIsDone takes away what the rollback needs.
func TestWhereNothingCanBeArmedNothingIsDone(t *testing.T) {
	t.Parallel() // with all that run side by side, after the others
	for name, inject := range map[string]func(*host){
		"no room for the files": func(h *host) {
			h.exec(t, "mount", "-t", "tmpfs", "-o", "size=4k", "none", "/var/lib/nft-operator")
			h.exec(t, "sh", "-c", "head -c 4096 /dev/zero > /var/lib/nft-operator/full")
		},
		"files that are read-only": func(h *host) { h.exec(t, "sh", "-ec", "mount --bind /etc /etc; mount -o remount,bind,ro /etc") },
		"no folder for the change": func(h *host) { h.put(t, "/run/nft-operator/pending", "in the way") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newSharedHost(t)
			h.apply(t, edge(web))
			h.exec(t, "rm", "-r", "/run/nft-operator/pending")
			inject(h)
			before := h.kernel(t) + h.files(t)
			terminate := edge(web)
			terminate.Firewall.EstablishedConnections = "terminate"
			got := h.play(t, terminate, run{})
			if got.Status != "failed" {
				t.Errorf("%s %+v", got.Status, got.Result)
			}
			if after := h.kernel(t) + h.files(t); after != before {
				t.Errorf("something changed:\n%s", difference(t, before, after))
			}
		})
	}
}

// knock sends packets to the first Service and returns how many were counted.
func (h *host) knock(t reporter) float64 {
	t.Helper()
	h.knockAt("203.0.113.10:443")
	return h.count(t, web.Address)
}

// knockAt sends packets to an address and port, whether it is open or not.
func (h *host) knockAt(address string) {
	_ = h.topology.Client.Knock(lab.TCP, h.topology.Client.Primary.IPv4, netip.MustParseAddrPort(address), time.Second)
}

// leavePending kills a run where its change is in force but not confirmed.
func (h *host) leavePending(t *testing.T, vars ansible.Vars, differently run) {
	t.Helper()
	h.killAt(t, vars, differently, func() bool {
		_, err := h.Exec("sh", "-c", `grep -q '"answer": {' /run/nft-operator/pending/*/pending.json`)
		return err == nil
	})
}
