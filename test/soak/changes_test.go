package soak

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/nft-operator/nft-operator/test/lab"
)

// churn makes the changes, in an order that its seed alone determines.
type churn struct {
	world   *world
	journal *journal
	random  *rand.Rand
	made    map[string]int // by kind
	settled []time.Duration
	scanned time.Duration
}

// kind is one kind of change.
type kind struct {
	name   string
	weight int
	// alone says that the change is awaited in a way of its own, so that it
	// cannot be part of a burst.
	alone bool
	// prepare chooses a change, or says that there is none to make now.
	prepare func(c *churn) (change, bool)
}

// change is what is about to be done, in words and in deed.
type change struct {
	what string
	do   func(ctx context.Context) error
}

func kinds() []kind {
	return []kind{
		{name: "Service created", weight: 20, prepare: (*churn).createService},
		{name: "port opened", weight: 10, prepare: (*churn).openPort},
		{name: "port closed", weight: 8, prepare: (*churn).closePort},
		{name: "source ranges changed", weight: 16, prepare: (*churn).changeRanges},
		{name: "firewall option changed", weight: 6, prepare: (*churn).changeFirewall},
		{name: "local chain edited", weight: 12, alone: true, prepare: (*churn).editLocalChain},
		{name: "local chain broken", weight: 8, alone: true, prepare: (*churn).breakLocalChain},
		{name: "element deleted by hand", weight: 18, alone: true, prepare: (*churn).deleteElement},
		{name: "Service deleted", weight: 14, prepare: (*churn).deleteService},
	}
}

const (
	// burstShare of the steps are bursts; other changes are awaited one by one,
	// as is the first of each kind.
	burstShare          = 0.7
	leastBurst, atBurst = 6, 20
)

// run makes so many changes, and stops early when something was lost.
func (c *churn) run(ctx context.Context, changes int) error {
	pending := kinds() // of which there was none yet
	for c.journal.changes() < changes && len(c.journal.all()) == 0 {
		size, from := 1, kinds()
		switch {
		case len(pending) > 0:
			from, pending = pending[:1], pending[1:]
		case c.random.Float64() < burstShare:
			size = min(leastBurst+c.random.IntN(atBurst-leastBurst), changes-c.journal.changes())
			from = slices.DeleteFunc(from, func(k kind) bool { return k.alone })
		}
		if err := c.step(ctx, size, from); err != nil {
			return err
		}
	}
	return nil
}

// step makes a change, or several at once, and waits until all is programmed.
func (c *churn) step(ctx context.Context, size int, from []kind) error {
	for range size {
		kind, change := c.choose(from)
		c.journal.begin("%s: %s", kind.name, change.what)
		c.made[kind.name]++
		if err := change.do(ctx); err != nil {
			return fmt.Errorf("change %d (%s: %s): %w", c.journal.changes(), kind.name, change.what, err)
		}
	}
	written := time.Now()
	if err := c.world.settle(ctx); err != nil {
		return fmt.Errorf("after change %d: %w", c.journal.changes(), err)
	}
	c.world.ledger.settled()
	settled := time.Now()
	c.settled = append(c.settled, settled.Sub(written))
	err := c.scan()
	c.scanned += time.Since(settled)
	return err
}

// enoughTries at kinds of which no change can be made now.
const enoughTries = 100

// choose picks a change that can be made now, by the weights of the kinds, or of
// all kinds if there is none of these.
func (c *churn) choose(from []kind) (kind, change) {
	total := 0
	for _, kind := range from {
		total += kind.weight
	}
	for range enoughTries {
		at := c.random.IntN(total)
		chosen := from[slices.IndexFunc(from, func(k kind) bool {
			at -= k.weight
			return at < 0
		})]
		if change, possible := chosen.prepare(c); possible {
			return chosen, change
		}
	}
	return c.choose(kinds())
}

// pick chooses one of a list.
func pick[T any](c *churn, list []T) T { return list[c.random.IntN(len(list))] }

// Services that come and go, and the ports that they and the steady ones may
// open besides.
var churnedNames = func() (names []string) {
	for i := range 12 {
		names = append(names, fmt.Sprintf("churned-%02d", i))
	}
	return names
}()

const firstChurnedPort, lastChurnedPort = 1000, 1007

// addressesOf are those of a Service that comes and goes.
func addressesOf(name string) []netip.Addr {
	return pair(firstChurned + slices.Index(churnedNames, name))
}

func (c *churn) anyPort() port {
	return port{pick(c, lab.Protocols), uint16(firstChurnedPort + c.random.IntN(lastChurnedPort-firstChurnedPort+1))}
}

func (c *churn) createService() (change, bool) {
	var free []string
	for _, name := range churnedNames {
		if _, there := c.world.intent.services[name]; !there {
			free = append(free, name)
		}
	}
	if len(free) == 0 {
		return change{}, false
	}
	name := pick(c, free)
	both := addressesOf(name)
	s := service{
		name: name, addresses: pick(c, [][]netip.Addr{both, both, both[:1], both[1:]}),
		ports: []port{c.anyPort()}, ranges: c.anyRanges(),
	}
	return change{s.String(), func(ctx context.Context) error { return c.world.create(ctx, s) }}, true
}

func (c *churn) deleteService() (change, bool) {
	s, there := c.anyChurned()
	return change{s.name, func(ctx context.Context) error { return c.world.remove(ctx, s.name) }}, there
}

func (c *churn) anyChurned() (service, bool) {
	names := c.world.intent.churned()
	if len(names) == 0 {
		return service{}, false
	}
	return c.world.intent.services[pick(c, names)], true
}

// anyService is one that comes and goes or, less often, a steady one.
func (c *churn) anyService() service {
	if s, there := c.anyChurned(); there && c.random.IntN(3) > 0 {
		return s
	}
	return c.world.intent.services[pick(c, []string{web, guarded, wavering})]
}

func (c *churn) openPort() (change, bool) {
	s, added := c.anyService(), c.anyPort()
	if slices.Contains(s.ports, added) {
		return change{}, false
	}
	s.ports = append(slices.Clone(s.ports), added)
	return change{fmt.Sprintf("%s/%d of %s", added.protocol, added.number, s.name), func(ctx context.Context) error {
		return c.world.update(ctx, s)
	}}, true
}

// closePort closes a port, but never the last one, nor one that carries traffic.
func (c *churn) closePort() (change, bool) {
	s := c.anyService()
	var closable []port
	for i, port := range s.ports {
		if i > 0 && port.number >= firstChurnedPort && port.number <= lastChurnedPort {
			closable = append(closable, port)
		}
	}
	if len(closable) == 0 {
		return change{}, false
	}
	closed := pick(c, closable)
	s.ports = slices.DeleteFunc(slices.Clone(s.ports), func(p port) bool { return p == closed })
	return change{fmt.Sprintf("%s/%d of %s", closed.protocol, closed.number, s.name), func(ctx context.Context) error {
		return c.world.update(ctx, s)
	}}, true
}

// Source ranges that include the client's primary address and not its secondary
// one, that include neither, and that include the secondary one.
var (
	including4 = []string{"198.51.100.10/32", "198.51.100.0/26", "198.51.100.8/29"}
	including6 = []string{"2001:db8:c::10/128", "2001:db8:c::/122", "2001:db8:c::10/124"}
	strange    = []string{"192.0.2.0/24", "10.0.0.0/8", "2001:db8:ffff::/48", "100.64.0.0/10"}
	excluding  = []string{"198.51.100.64/26", "198.51.100.77/32", "2001:db8:c::77/128", "2001:db8:c::40/122"}
)

// anyRanges are none, or some that let anyone in or keep anyone out.
func (c *churn) anyRanges() []string {
	switch c.random.IntN(6) {
	case 0, 1:
		return nil
	case 2:
		return c.includingRanges()
	case 3:
		return []string{pick(c, including4)} // and so nobody by IPv6
	case 4:
		return []string{pick(c, including6), pick(c, strange)}
	default:
		return unique(pick(c, excluding), pick(c, excluding), pick(c, strange))
	}
}

// includingRanges let the client's primary addresses in, and not the secondary.
func (c *churn) includingRanges() []string {
	return unique(pick(c, including4), pick(c, including6), pick(c, strange))
}

func unique(texts ...string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

func (c *churn) changeRanges() (change, bool) {
	s := c.anyService()
	before := s.ranges
	switch {
	case s.name == guarded:
		s.ranges = c.includingRanges()
	case s.name == wavering && c.random.IntN(3) > 0:
		s.ranges = unique(append(c.includingRanges(), pick(c, excluding))...)
	case s.name == wavering:
		s.ranges = nil
	case s.steady:
		return change{}, false
	default:
		s.ranges = c.anyRanges()
	}
	if slices.Equal(before, s.ranges) {
		return change{}, false
	}
	return change{fmt.Sprintf("%s from %v to %v", s.name, before, s.ranges), func(ctx context.Context) error {
		return c.world.update(ctx, s)
	}}, true
}

// summary tells how many changes of each kind there were.
func (c *churn) summary() string {
	text := fmt.Sprintf("%d changes", c.journal.changes())
	for _, name := range slices.Sorted(maps.Keys(c.made)) {
		text += fmt.Sprintf(", %s %d", name, c.made[name])
	}
	if ordered := slices.Sorted(slices.Values(c.settled)); len(ordered) > 0 {
		text += fmt.Sprintf("\nall was programmed %d times: median %s, longest %s; scans took %s",
			len(ordered), ordered[len(ordered)/2], ordered[len(ordered)-1], c.scanned)
	}
	return text
}
