package controllers

import (
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

// Backoff of a host that fails: doubling from the first to the last.
const (
	firstBackoff = time.Second
	lastBackoff  = 2 * time.Minute
)

// hostMemory is what the operator remembers of one host between attempts. It
// is used by one worker at a time, because a host is one queue key.
type hostMemory struct {
	// enforced is the revision that was last read back, empty before that, and
	// held says that this was without its structure.
	enforced string
	held     bool
	// checked is when that was, and due when it is to be done again.
	checked time.Time
	due     time.Time
	// report is what the last attempt came to.
	report ansible.Report
	// failures in a row, and the time before which no new attempt is made.
	failures  int
	notBefore time.Time
	// firm says that nothing but another box ends the wait.
	firm bool
	// entrance is the way in at the last attempt.
	entrance entrance
}

// entrance is what a person would change to mend a failing host, or to have it
// looked at. When it changes, the next attempt need not wait.
type entrance struct {
	generation int64
	// check is the value of the annotation that asks for a check.
	check  string
	access ansible.Access
	target ansible.Target
}

func (e entrance) same(other entrance) bool {
	return e.generation == other.generation && e.check == other.check && e.access.Same(other.access) &&
		e.sameBox(other) && e.target.User == other.target.User
}

func (e entrance) sameBox(other entrance) bool {
	return e.target.Address == other.target.Address && e.target.Port == other.target.Port
}

// doubtful reports whether the host may well be dead: it was not seen to be
// right since it last failed, or at all.
func (m *hostMemory) doubtful() bool {
	return m.failures > 0 || m.checked.IsZero()
}

// wait is how long an attempt must still be put off.
func (m *hostMemory) wait(now time.Time, way entrance) time.Duration {
	if !m.entrance.sameBox(way) || !m.firm && !m.entrance.same(way) {
		return 0
	}
	return max(0, m.notBefore.Sub(now))
}

// fresh is how much longer nothing need be done, because the host was lately
// seen to enforce the revision, held back alike, by the same way in.
func (m *hostMemory) fresh(now time.Time, target ansible.Target, way entrance) time.Duration {
	if m.enforced != target.Revision || m.held != target.Hold || m.failures > 0 || !m.entrance.same(way) {
		return 0
	}
	return max(0, m.due.Sub(now))
}

// pendingPause is how long a host is left alone on which a change waits for its
// confirmation, or for being taken back.
const pendingPause = 3 * time.Second

// note takes down what an attempt came to, and returns after how long the next
// one is due.
func (m *hostMemory) note(now time.Time, intent hostIntent, report ansible.Report, period time.Duration) time.Duration {
	var pause time.Duration
	switch report.Reason {
	case "":
		pause = m.succeeded(now, intent.target, intent.entrance, period)
	case ansible.ReasonNotConfirmed:
		pause = m.postponed(now, intent.entrance, intent.ConfirmTimeout)
	case ansible.ReasonRollbackPending:
		pause = m.postponed(now, intent.entrance, pendingPause)
	default:
		pause = m.failed(now, intent.entrance)
	}
	m.report = report
	return pause
}

// succeeded returns after how long the host is checked again.
func (m *hostMemory) succeeded(now time.Time, target ansible.Target, way entrance, period time.Duration) time.Duration {
	*m = hostMemory{enforced: target.Revision, held: target.Hold, checked: now, due: now.Add(period), entrance: way}
	return period
}

// postponed leaves the host alone for a while: it is busy with itself, which
// nobody can hasten.
func (m *hostMemory) postponed(now time.Time, way entrance, pause time.Duration) time.Duration {
	m.enforced, m.entrance = "", way
	m.notBefore, m.firm = now.Add(pause), true
	return pause
}

// failed returns how long the next attempt is put off.
func (m *hostMemory) failed(now time.Time, way entrance) time.Duration {
	if !m.entrance.same(way) {
		m.failures = 0
	}
	pause := min(lastBackoff, firstBackoff<<min(m.failures, 10))
	pause += time.Duration(rand.Int64N(int64(pause)/5 + 1)) // so that hosts that fell together do not rise together
	m.failures++
	m.entrance = way
	m.notBefore, m.firm = now.Add(pause), false
	return pause
}

// hostMemories are the memories of all hosts.
type hostMemories struct {
	mutex  sync.Mutex
	byHost map[types.NamespacedName]*hostMemory
}

func (m *hostMemories) of(host types.NamespacedName) *hostMemory {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.byHost == nil {
		m.byHost = map[types.NamespacedName]*hostMemory{}
	}
	memory := m.byHost[host]
	if memory == nil {
		memory = &hostMemory{}
		m.byHost[host] = memory
	}
	return memory
}

func (m *hostMemories) forget(host types.NamespacedName) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	delete(m.byHost, host)
}
