package control

import (
	"sync"
	"time"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

// boxes are the hosts as the role leaves them. They outlive an operator, and
// more than one may write to them.
type boxes struct {
	mutex  sync.Mutex
	byName map[string]*box
}

// box is what one host remembers.
type box struct {
	revision, structure string
	seen                ansible.Fence
	// cutOff says that nobody can log in after any other structure.
	cutOff bool
	// rolledBack is what the host took back last, and triedBy whose try that was.
	rolledBack *ansible.RolledBack
	triedBy    int64
	// drift is what somebody else changes before the next run.
	drift []string
	// boot is what the host says of its way to start.
	boot string
	// limits is what the host says of the rates that it keeps.
	limits ansible.Limits
	// tried counts the changes of structure that were tried.
	tried int
}

func newBoxes() *boxes { return &boxes{byName: map[string]*box{}} }

// on looks at, or changes, one host.
func (b *boxes) on(name string, do func(*box)) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.byName[name] == nil {
		b.byName[name] = &box{boot: ansible.BootUnit, limits: ansible.Limits{Engine: "Nftables", Because: "scripted by a test"}}
	}
	do(b.byName[name])
}

// refuses is what a host says to a writer that was overtaken; nil where it was not.
func (b *boxes) refuses(name string, fence *ansible.Fence) (refusal *ansible.Report) {
	b.on(name, func(host *box) {
		switch {
		case fence == nil:
			refusal = &ansible.Report{Reason: ansible.ReasonInvalidVars, Message: "a run of the operator without fence"}
		case fence.Epoch < host.seen.Epoch || fence.Epoch == host.seen.Epoch && fence.Sequence <= host.seen.Sequence:
			refusal = &ansible.Report{Reason: ansible.ReasonStaleWriter, Message: "another one was here since"}
		default:
			host.seen = *fence
		}
	})
	return refusal
}

// apply is what the role does on a host that nothing keeps from it.
func (b *boxes) apply(target ansible.Target) (report ansible.Report) {
	b.on(target.Name, func(host *box) { report = host.apply(target) })
	return report
}

func (b *box) apply(target ansible.Target) ansible.Report {
	held := ansible.Held("")
	switch {
	case target.Structure == b.structure:
	case target.Hold:
		held = ansible.HeldAsAsked
	case b.tookBack(target.Structure) && !target.Retry && b.triedBy == b.seen.Epoch:
		held = ansible.HeldRolledBack
	default:
		b.tried++
		if b.cutOff {
			b.triedBy = b.seen.Epoch
			b.rolledBack = &ansible.RolledBack{Revision: target.Revision, Structure: target.Structure, At: time.Now().UTC().Format(time.RFC3339)}
			return ansible.Report{Reason: ansible.ReasonNotConfirmed, Message: "a new connection failed: the host takes the change back"}
		}
		b.structure, b.rolledBack = target.Structure, nil
	}
	if b.structure == "" {
		return ansible.Report{Reason: ansible.ReasonRolledBack, Message: "there is nothing earlier", Outcome: ansible.Outcome{RolledBack: b.rolledBack}}
	}
	drift := b.drift
	changed := b.revision != target.Revision || len(drift) > 0
	b.revision, b.drift = target.Revision, nil
	return ansible.Report{Outcome: ansible.Outcome{
		Changed: changed, Revision: target.Revision, Structure: b.structure, Held: held, RolledBack: b.rolledBack, Drift: drift, Boot: b.boot,
		Versions:   ansible.Versions{Nft: "1.0.6", Kernel: "6.1.0", Python: "3.11.2", OS: "Debian GNU/Linux 12 (bookworm)"},
		LocalChain: ansible.LocalChain{State: "Accepted"}, Limits: b.limits,
	}}
}

func (b *box) tookBack(structure string) bool {
	return b.rolledBack != nil && b.rolledBack.Structure == structure
}
