package controllers

import (
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/nft-operator/nft-operator/internal/plan"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

// Ledger remembers what the hosts of each gateway are to enforce, and what each
// was last seen to enforce, so that a Service can be told where it is open. It
// is memory only: after a restart the first run on each host fills it again.
type Ledger struct {
	mutex sync.Mutex
	// intended is by gateway: a host that is busy with an older plan has not
	// enforced the present one.
	intended map[types.NamespacedName]*openings
	hosts    map[types.NamespacedName]*ledgerPage
	changed  func(plan.ServiceKey)
}

// ledgerPage is what the ledger knows of one host.
type ledgerPage struct {
	gateway types.NamespacedName
	// released says that the host is to open nothing for its gateway.
	released bool
	enforced *openings
	// problem is why the last attempt failed; empty when it did not.
	problem string
	// attempted says whether problem and enforced mean anything yet.
	attempted bool
}

// Standing is how one Service stands on one host.
type Standing struct {
	Host      types.NamespacedName
	Exposures []plan.Exposure
	Limits    ratelimit.Limits
	Refusals  []plan.Refusal
	Notices   []plan.Notice
	// Enforced says that the host was seen to enforce exactly these exposures at
	// these limits.
	Enforced bool
	// Attempted says that the host was tried since the operator started.
	Attempted bool
	// Problem is why the host does not enforce them, where it was tried.
	Problem string
	// Leftover is the number of exposures that the host was last seen to
	// enforce though the plan has none any more.
	Leftover int
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{
		intended: map[types.NamespacedName]*openings{},
		hosts:    map[types.NamespacedName]*ledgerPage{},
		changed:  func(plan.ServiceKey) {},
	}
}

// OnChange sets what is called for each Service whose standing may have
// changed. It is called with the ledger locked, so it must not call back.
func (l *Ledger) OnChange(changed func(plan.ServiceKey)) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.changed = changed
}

// Intend notes what the hosts of a gateway are to enforce, and which they are.
func (l *Ledger) Intend(gateway types.NamespacedName, hosts []types.NamespacedName, after *openings) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	before := l.intended[gateway]
	l.intended[gateway] = after
	moved := l.setHosts(gateway, hosts)
	if before == after && !moved {
		return
	}
	for service := range servicesOf(before, after) {
		if moved || !before.of(service).same(after.of(service)) {
			l.changed(service)
		}
	}
}

// setHosts reports whether the hosts of the gateway are others than before.
func (l *Ledger) setHosts(gateway types.NamespacedName, hosts []types.NamespacedName) bool {
	moved := false
	for host, page := range l.hosts {
		if page.gateway == gateway && !page.released && !slices.Contains(hosts, host) {
			page.released = true
			moved = true
		}
	}
	for _, host := range hosts {
		if page := l.hosts[host]; page == nil || page.released {
			l.hosts[host] = &ledgerPage{gateway: gateway}
			moved = true
		}
	}
	return moved
}

// Enforces notes that a host was seen to enforce a plan.
func (l *Ledger) Enforces(host types.NamespacedName, seen *openings) {
	l.update(host, func(page *ledgerPage) {
		page.enforced, page.problem, page.attempted = seen, "", true
	})
}

// Fails notes that an attempt on a host failed. What it enforced before, it
// still does.
func (l *Ledger) Fails(host types.NamespacedName, reason string) {
	l.update(host, func(page *ledgerPage) { page.problem, page.attempted = reason, true })
}

// Release notes that a host is to open nothing for its gateway: that is going,
// or does not name the host any more.
func (l *Ledger) Release(host types.NamespacedName) {
	l.update(host, func(page *ledgerPage) { *page = ledgerPage{gateway: page.gateway, released: true} })
}

// Forget drops a host that is no longer part of any gateway.
func (l *Ledger) Forget(host types.NamespacedName) {
	l.Release(host)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	gateway := l.hosts[host].gateway
	delete(l.hosts, host)
	for _, page := range l.hosts {
		if page.gateway == gateway {
			return
		}
	}
	delete(l.intended, gateway)
}

// Planned reports whether it is known since the operator started what a host
// is to enforce.
func (l *Ledger) Planned(host types.NamespacedName) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	page := l.hosts[host]
	return page != nil && (page.released || l.intended[page.gateway] != nil)
}

// Considered reports whether a host was planned, or could not be, since the
// operator started.
func (l *Ledger) Considered(host types.NamespacedName) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	page := l.hosts[host]
	return page != nil && (page.released || page.attempted || l.intended[page.gateway] != nil)
}

// Standings of a Service on the hosts of the gateways whose plan names it, in
// order of the hosts' names. None means that no gateway opens or refuses it.
func (l *Ledger) Standings(service plan.ServiceKey) []Standing {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var standings []Standing
	for host, page := range l.hosts {
		if standing, named := page.standing(l.intended[page.gateway], service); named {
			standing.Host = host
			standings = append(standings, standing)
		}
	}
	slices.SortFunc(standings, func(a, b Standing) int { return compareKeys(a.Host, b.Host) })
	return standings
}

func (p *ledgerPage) standing(intended *openings, service plan.ServiceKey) (Standing, bool) {
	if p.released || intended == nil {
		return Standing{}, false
	}
	wanted, enforced := intended.of(service), p.enforced.of(service)
	leftover := 0
	if len(wanted.exposures) == 0 {
		leftover = len(enforced.exposures)
	}
	if len(wanted.exposures) == 0 && len(wanted.refusals) == 0 && leftover == 0 {
		return Standing{}, false
	}
	return Standing{
		Leftover:  leftover,
		Exposures: wanted.exposures,
		Limits:    wanted.limits,
		Refusals:  wanted.refusals,
		Notices:   wanted.notices,
		Enforced:  p.enforced != nil && wanted.opensAlike(enforced),
		Attempted: p.attempted,
		Problem:   p.problem,
	}, true
}

// update changes a host's page and tells of the Services that see a difference.
func (l *Ledger) update(host types.NamespacedName, change func(*ledgerPage)) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	page := l.hosts[host]
	if page == nil {
		gateway, _, _ := gatewayAndHost(host)
		page = &ledgerPage{gateway: gateway}
		l.hosts[host] = page
	}
	before := *page
	change(page)
	if *page == before {
		return
	}
	intended := l.intended[page.gateway]
	for service := range servicesOf(intended, before.enforced, page.enforced) {
		was, wasNamed := before.standing(intended, service)
		is, isNamed := page.standing(intended, service)
		if wasNamed != isNamed || !sameStanding(was, is) {
			l.changed(service)
		}
	}
}

// sameStanding compares what one plan says of a Service at two times.
func sameStanding(a, b Standing) bool {
	return a.Enforced == b.Enforced && a.Attempted == b.Attempted && a.Problem == b.Problem && a.Leftover == b.Leftover
}

func compareKeys(a, b types.NamespacedName) int {
	if a.Namespace != b.Namespace {
		if a.Namespace < b.Namespace {
			return -1
		}
		return 1
	}
	switch {
	case a.Name < b.Name:
		return -1
	case a.Name > b.Name:
		return 1
	}
	return 0
}
