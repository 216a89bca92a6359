package controllers

import (
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

// rollouts are those of all gateways. They are memory only: what a host has is
// read from its status after a restart, and a change that is half-way begins
// with a first host again.
type rollouts struct {
	mutex     sync.Mutex
	byGateway map[types.NamespacedName]*rolloutProgress
	wake      func(host types.NamespacedName)
}

// rolloutProgress is what is remembered of one gateway's rollout.
type rolloutProgress struct {
	rollout
	// request is what a person would change to have a change tried again.
	request request
	// backs tell of each host the last structure that it took back.
	backs map[string]tookBack
	// told is what each host that waits was last told.
	told map[string]turn
}

// request tells apart what a person asked for at two times.
type request struct {
	generation int64
	// check is the value of the annotation that asks for a check.
	check string
}

// tookBack is a structure that a host took back, and the request that was then.
type tookBack struct {
	structure string
	request   request
}

// OnTurn sets what is called for a host whose turn changed while it waited. It
// is called with the rollouts locked, so it must not call back.
func (r *rollouts) OnTurn(wake func(host types.NamespacedName)) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.wake = wake
}

// knows reports whether all of the hosts are known.
func (r *rollouts) knows(gateway types.NamespacedName, targets []ansible.Target) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	progress := r.byGateway[gateway]
	return progress != nil && !slices.ContainsFunc(targets, func(t ansible.Target) bool { return progress.find(t.Name) == nil })
}

// intend notes the structure that the hosts of a gateway are to have. What they
// have is taken from applied where it is not known better.
func (r *rollouts) intend(gateway types.NamespacedName, targets []ansible.Target, applied map[string]string, most int, asked request) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.byGateway == nil {
		r.byGateway = map[types.NamespacedName]*rolloutProgress{}
	}
	progress := r.byGateway[gateway]
	if progress == nil {
		progress = &rolloutProgress{backs: map[string]tookBack{}, told: map[string]turn{}}
		r.byGateway[gateway] = progress
	}
	if asked.generation < progress.request.generation {
		return // a worker that was slow
	}
	progress.request, progress.most = asked, most
	progress.setHosts(targets, applied)
	r.tellTurns(gateway, progress)
}

// setHosts follows the spec. A change of what is intended begins anew.
func (p *rolloutProgress) setHosts(targets []ansible.Target, applied map[string]string) {
	var hosts []rolloutHost
	same := len(targets) == len(p.hosts)
	for i, target := range targets {
		host := rolloutHost{name: target.Name, applied: applied[target.Name]}
		if known := p.find(target.Name); known != nil {
			host = *known
		}
		host.intended = target.Structure
		back := p.backs[target.Name]
		host.tookBack = back.structure == host.intended
		host.askedAgain = back.request != p.request
		same = same && p.hosts[i].name == host.name && p.hosts[i].intended == host.intended
		hosts = append(hosts, host)
	}
	p.hosts = hosts
	p.proven = p.proven && same
}

func (p *rolloutProgress) find(name string) *rolloutHost {
	at := slices.IndexFunc(p.hosts, func(h rolloutHost) bool { return h.name == name })
	if at < 0 {
		return nil
	}
	return &p.hosts[at]
}

// turnOf says what a host may do, and what it was last seen to have. When its
// turn changes, it is woken.
func (r *rollouts) turnOf(gateway types.NamespacedName, name string) (is turn, applied string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	progress := r.byGateway[gateway]
	if progress == nil || progress.find(name) == nil {
		return turn{}, ""
	}
	is = progress.turnOf(name)
	if delete(progress.told, name); is.holds() {
		progress.told[name] = is
	}
	return is, progress.find(name).applied
}

// take begins a run on a host. It fails where the host was granted a turn that
// another one took.
func (r *rollouts) take(gateway types.NamespacedName, name string, granted turn) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	progress := r.byGateway[gateway]
	if progress == nil || progress.find(name) == nil {
		return false
	}
	if now := progress.turnOf(name); now != granted {
		return false
	}
	progress.find(name).running = granted.kind == turnGranted
	return true
}

// settle ends the run on a host. What it came to is told by came, nil where
// there was no run.
func (r *rollouts) settle(gateway types.NamespacedName, target ansible.Target, asked request, came *ansible.Report) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	progress := r.byGateway[gateway]
	if progress == nil || progress.find(target.Name) == nil {
		return
	}
	host := progress.find(target.Name)
	host.running = false
	if came != nil {
		progress.note(host, target, asked, *came)
	}
	r.tellTurns(gateway, progress)
}

// note is what a run on a host tells of the rollout.
func (p *rolloutProgress) note(host *rolloutHost, target ansible.Target, asked request, came ansible.Report) {
	host.failing = came.Reason != "" && !ofRollback(came.Reason)
	if refused(came) {
		p.backs[host.name] = tookBack{target.Structure, asked}
		host.tookBack = target.Structure == host.intended
		host.askedAgain = asked != p.request
	}
	if came.Reason != "" {
		return
	}
	before := host.applied
	host.applied = came.Outcome.Structure
	if !host.done() {
		return
	}
	delete(p.backs, host.name)
	host.tookBack = false
	p.proven = p.proven || before != host.applied
}

// ofRollback reports whether a reason is about a change that a host takes back.
func ofRollback(reason ansible.Reason) bool {
	return reason == ansible.ReasonNotConfirmed || reason == ansible.ReasonRollbackPending || reason == ansible.ReasonRolledBack
}

// refused reports whether the host takes, or took, the change back.
func refused(report ansible.Report) bool {
	return report.Reason == ansible.ReasonNotConfirmed || report.Reason == ansible.ReasonRolledBack ||
		report.Reason == "" && report.Outcome.Held == ansible.HeldRolledBack
}

// tellTurns wakes the hosts whose turn is another than they were told.
func (r *rollouts) tellTurns(gateway types.NamespacedName, progress *rolloutProgress) {
	for name, told := range progress.told {
		if progress.find(name) == nil {
			delete(progress.told, name)
			continue
		}
		if now := progress.turnOf(name); now != told {
			progress.told[name] = now
			if r.wake != nil {
				r.wake(hostKey(gateway, name))
			}
		}
	}
}

// forget drops a host whose object is gone.
func (r *rollouts) forget(host types.NamespacedName) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	gateway, name, _ := gatewayAndHost(host)
	progress := r.byGateway[gateway]
	if progress == nil {
		return
	}
	progress.hosts = slices.DeleteFunc(progress.hosts, func(h rolloutHost) bool { return h.name == name })
	delete(progress.backs, name)
	if len(progress.hosts) == 0 {
		delete(r.byGateway, gateway)
		return
	}
	r.tellTurns(gateway, progress)
}
