package controllers

import "slices"

// rollout is a change of structure on its way to the hosts of one gateway. A
// change that cuts the way in is taken back by the host itself; going to one
// host first, it does so on one host only.
type rollout struct {
	// hosts are in the order of the spec.
	hosts []rolloutHost
	// most is how many may be changed at one time, once the change is proven:
	// one host took it, and could be logged in to after that.
	most   int
	proven bool
}

// rolloutHost is one host as a rollout sees it.
type rolloutHost struct {
	name string
	// intended is the structure that it is to have, and applied the one that it
	// was last seen to have; empty where that is not known.
	intended, applied string
	// running says that it is being changed.
	running bool
	// failing says that its last run changed nothing: it was not reached, or
	// could not be changed.
	failing bool
	// tookBack says that it took the intended structure back, and askedAgain
	// that a person asked to try it once more since.
	tookBack, askedAgain bool
}

func (h rolloutHost) done() bool    { return h.applied == h.intended }
func (h rolloutHost) refuses() bool { return h.tookBack && !h.askedAgain }

// waiting says that the host is next in line, as far as it is up to it.
func (h rolloutHost) waiting() bool {
	return !h.done() && !h.refuses() && !h.running && !h.failing
}

// turnKind says what a host may do.
type turnKind int

const (
	// turnNone is needed: the host has its structure, or keeps its old one by
	// itself. All else on it is changed at any time.
	turnNone turnKind = iota
	// turnGranted: the structure may be changed now.
	turnGranted
	// turnFirst: another host goes first, and tells whether the change is good.
	turnFirst
	// turnLater: the change is good, and as many hosts as may be are at it.
	turnLater
	// turnStopped: a host took the change back.
	turnStopped
)

// turn is what a rollout lets a host do.
type turn struct {
	kind turnKind
	// host is the one that goes first, or that took the change back.
	host string
	// retry says that a person asked to try again what the host took back.
	retry bool
}

// holds reports whether the structure on the host must stay as it is.
func (t turn) holds() bool {
	return t.kind == turnFirst || t.kind == turnLater || t.kind == turnStopped
}

// turnOf says what a host may do.
func (r rollout) turnOf(name string) turn {
	at := slices.IndexFunc(r.hosts, func(h rolloutHost) bool { return h.name == name })
	if at < 0 || r.hosts[at].done() || r.hosts[at].refuses() {
		return turn{}
	}
	self := r.hosts[at]
	granted := turn{kind: turnGranted, retry: self.tookBack}
	if self.running {
		return granted
	}
	if stopper := slices.IndexFunc(r.hosts, func(h rolloutHost) bool { return !h.done() && h.refuses() }); stopper >= 0 {
		return turn{kind: turnStopped, host: r.hosts[stopper].name}
	}
	most := 1
	if r.proven {
		most = r.most
	}
	if r.ahead(at) < most {
		return granted
	}
	if r.proven {
		return turn{kind: turnLater}
	}
	return turn{kind: turnFirst, host: r.canary()}
}

// ahead counts the hosts that are being changed, or come before one. Those that
// fail come last, so that a dead host keeps no other from its turn.
func (r rollout) ahead(at int) int {
	count := 0
	for i, host := range r.hosts {
		if host.running || host.waiting() && (i < at || r.hosts[at].failing) {
			count++
		}
	}
	return count
}

// canary names the host that goes first.
func (r rollout) canary() string {
	for _, is := range []func(rolloutHost) bool{
		func(h rolloutHost) bool { return h.running },
		rolloutHost.waiting,
	} {
		if at := slices.IndexFunc(r.hosts, is); at >= 0 {
			return r.hosts[at].name
		}
	}
	return ""
}
