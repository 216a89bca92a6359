package controllers

import (
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

func TestBackoffDoublesUpToItsLimit(t *testing.T) {
	var memory hostMemory
	now := time.Now()
	low := firstBackoff
	for range 20 {
		pause := memory.failed(now, entrance{})
		if pause < low || pause > low+low/5 {
			t.Fatalf("after %d failures the pause is %s, want about %s", memory.failures, pause, low)
		}
		if memory.wait(now, entrance{}) != pause || memory.wait(now.Add(pause), entrance{}) != 0 {
			t.Fatalf("the wait does not follow the pause")
		}
		low = min(lastBackoff, 2*low)
	}
	memory.succeeded(now, ansible.Target{Revision: "r1"}, entrance{}, time.Minute)
	if memory.wait(now, entrance{}) != 0 {
		t.Error("a host that succeeded must wait")
	}
}

func TestAChangedEntranceEndsTheWait(t *testing.T) {
	base := entrance{generation: 1, target: ansible.Target{Address: "192.0.2.1", Port: 22, User: "root"}}
	for name, changed := range map[string]entrance{
		"spec edited":     {generation: 2, target: base.target},
		"check asked for": {generation: 1, check: "now", target: base.target},
		"other address":   {generation: 1, target: ansible.Target{Address: "192.0.2.2", Port: 22, User: "root"}},
		"other user":      {generation: 1, target: ansible.Target{Address: "192.0.2.1", Port: 22, User: "nftop"}},
		"jump host added": {generation: 1, target: base.target, access: ansible.Access{Jump: &ansible.Jump{Address: "192.0.2.9", Port: 22, User: "root"}}},
	} {
		t.Run(name, func(t *testing.T) {
			var memory hostMemory
			now := time.Now()
			memory.failed(now, base)
			memory.failed(now, base)
			if memory.wait(now, base) == 0 {
				t.Fatal("a failing host does not wait")
			}
			if memory.wait(now, changed) != 0 {
				t.Error("what may have mended the host is not tried at once")
			}
			if pause := memory.failed(now, changed); pause > 2*firstBackoff {
				t.Errorf("the first failure of the new way in waits %s", pause)
			}
		})
	}
}

func TestAHostIsFreshForOnePeriod(t *testing.T) {
	var memory hostMemory
	now := time.Now()
	way := entrance{generation: 1}
	fresh := func(revision string, way entrance, later time.Duration) bool {
		return memory.fresh(now.Add(later), ansible.Target{Revision: revision}, way) > 0
	}
	if fresh("r1", way, 0) {
		t.Error("a host that was never checked is fresh")
	}
	memory.succeeded(now, ansible.Target{Revision: "r1"}, way, time.Minute)
	if !fresh("r1", way, 59*time.Second) {
		t.Error("a host checked lately is not fresh")
	}
	if fresh("r1", way, time.Minute) || fresh("r2", way, 0) || fresh("r1", entrance{generation: 2}, 0) {
		t.Error("a host is fresh after its period, for another revision, or by another way in")
	}
	if memory.fresh(now, ansible.Target{Revision: "r1", Hold: true}, way) > 0 {
		t.Error("a host that has its structure is fresh for one that is held back")
	}
	memory.failed(now, way)
	if fresh("r1", way, 0) {
		t.Error("a host that failed since is fresh")
	}
}

// TestAHostThatIsBusyWithItselfIsLeftAlone whatever a person edits meanwhile.
func TestAHostThatIsBusyWithItselfIsLeftAlone(t *testing.T) {
	var memory hostMemory
	now := time.Now()
	intent := hostIntent{Intent: Intent{ConfirmTimeout: 40 * time.Second}, target: ansible.Target{Revision: "r1"}, entrance: entrance{generation: 1}}
	edited, moved := entrance{generation: 2}, entrance{generation: 2, target: ansible.Target{Address: "192.0.2.2"}}
	memory.note(now, intent, ansible.Report{}, time.Minute)
	for reason, want := range map[ansible.Reason]time.Duration{
		ansible.ReasonNotConfirmed: 40 * time.Second, ansible.ReasonRollbackPending: pendingPause,
	} {
		if pause := memory.note(now, intent, ansible.Report{Reason: reason}, time.Minute); pause != want || memory.wait(now, edited) != want {
			t.Errorf("after %s the host is tried again in %s, after an edit in %s, want %s", reason, pause, memory.wait(now, edited), want)
		}
		if memory.wait(now, moved) != 0 {
			t.Errorf("after %s another box waits", reason)
		}
		if memory.failures > 0 || memory.doubtful() || memory.fresh(now, intent.target, intent.entrance) > 0 {
			t.Errorf("after %s the host counts as failing, or as seen to be right", reason)
		}
	}
}
