package controllers

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

// box is a host of a rollout to structure "new".
func box(name, applied string, is ...func(*rolloutHost)) rolloutHost {
	host := rolloutHost{name: name, intended: "new", applied: applied}
	for _, change := range is {
		change(&host)
	}
	return host
}

func running(h *rolloutHost)    { h.running = true }
func failing(h *rolloutHost)    { h.failing = true }
func tookItBack(h *rolloutHost) { h.tookBack = true }
func askedAgain(h *rolloutHost) { h.askedAgain = true }

func TestTurns(t *testing.T) {
	granted, later, none := turn{kind: turnGranted}, turn{kind: turnLater}, turn{}
	after := func(host string) turn { return turn{kind: turnFirst, host: host} }
	stopped := func(host string) turn { return turn{kind: turnStopped, host: host} }
	for name, test := range map[string]struct {
		rollout rollout
		want    []turn
	}{
		"all have it": {
			rollout{most: 1, hosts: []rolloutHost{box("a", "new"), box("b", "new")}}, []turn{none, none},
		},
		"the first goes first": {
			rollout{most: 3, hosts: []rolloutHost{box("a", "old"), box("b", "old"), box("c", "")}}, []turn{granted, after("a"), after("a")},
		},
		"it is at it": {
			rollout{most: 3, hosts: []rolloutHost{box("a", "old", running), box("b", "old")}}, []turn{granted, after("a")},
		},
		"one that has it already proves nothing": {
			rollout{most: 3, hosts: []rolloutHost{box("a", "new"), box("b", "old"), box("c", "old")}}, []turn{none, granted, after("b")},
		},
		"a dead one gives its turn to the next": {
			rollout{most: 3, hosts: []rolloutHost{box("a", "old", failing), box("b", "old"), box("c", "old")}}, []turn{after("b"), granted, after("b")},
		},
		"a dead one tries while nobody else wants to": {
			rollout{most: 1, hosts: []rolloutHost{box("a", "old", failing), box("b", "new"), box("c", "old", failing)}}, []turn{granted, none, granted},
		},
		"a dead one tries, another one waits": {
			rollout{most: 1, hosts: []rolloutHost{box("a", "old", failing, running), box("b", "old")}}, []turn{granted, after("a")},
		},
		"proven, so many at a time": {
			rollout{most: 2, proven: true, hosts: []rolloutHost{box("a", "new"), box("b", "old", running), box("c", "old"), box("d", "old"), box("e", "")}},
			[]turn{none, granted, granted, later, later},
		},
		"proven, a dead one comes last": {
			rollout{most: 2, proven: true, hosts: []rolloutHost{box("a", "old", failing), box("b", "old"), box("c", "old")}}, []turn{later, granted, granted},
		},
		"proven, a dead one finds room": {
			rollout{most: 3, proven: true, hosts: []rolloutHost{box("a", "old", failing), box("b", "old", running), box("c", "old")}}, []turn{granted, granted, granted},
		},
		"taken back by the first": {
			rollout{most: 2, hosts: []rolloutHost{box("a", "old", tookItBack), box("b", "old"), box("c", "new"), box("d", "")}},
			[]turn{none, stopped("a"), none, stopped("a")},
		},
		"taken back by a later one, another is at it": {
			rollout{most: 2, proven: true, hosts: []rolloutHost{box("a", "new"), box("b", "old", running), box("c", "old", tookItBack), box("d", "old")}},
			[]turn{none, granted, none, stopped("c")},
		},
		"asked again": {
			rollout{most: 2, hosts: []rolloutHost{box("a", "old", tookItBack, askedAgain), box("b", "old")}},
			[]turn{{kind: turnGranted, retry: true}, after("a")},
		},
		"a dead one took it back": {
			rollout{most: 2, hosts: []rolloutHost{box("a", "old", tookItBack, failing), box("b", "old")}}, []turn{none, stopped("a")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for i, host := range test.rollout.hosts {
				if got := test.rollout.turnOf(host.name); got != test.want[i] {
					t.Errorf("%s: got %+v, want %+v", host.name, got, test.want[i])
				}
			}
			if got := test.rollout.turnOf("stranger"); got != none {
				t.Errorf("a host of no rollout: %+v", got)
			}
		})
	}
}

// course plays the part of the host controller.
type course struct {
	*rollouts
	t       *testing.T
	targets []ansible.Target
	asked   request
	woken   []string
}

func newCourse(t *testing.T, applied string, hosts ...string) *course {
	c := &course{rollouts: &rollouts{}, t: t, asked: request{generation: 1}}
	c.OnTurn(func(host types.NamespacedName) { c.woken = append(c.woken, host.Name) })
	seen := map[string]string{}
	for _, host := range hosts {
		c.targets = append(c.targets, ansible.Target{Name: host, Structure: applied})
		seen[host] = applied
	}
	c.intend(edge, c.targets, seen, 2, c.asked)
	return c
}

// change has the hosts intend another structure.
func (c *course) change(structure string) {
	for i := range c.targets {
		c.targets[i].Structure = structure
	}
	c.asked.generation++
	c.intend(edge, c.targets, nil, 2, c.asked)
}

// may collects what each host is told.
func (c *course) may() []turnKind {
	var kinds []turnKind
	for _, target := range c.targets {
		turn, _ := c.turnOf(edge, target.Name)
		kinds = append(kinds, turn.kind)
	}
	return kinds
}

func (c *course) begin(at int) {
	c.t.Helper()
	turn, _ := c.turnOf(edge, c.targets[at].Name)
	if !c.take(edge, c.targets[at].Name, turn) {
		c.t.Fatalf("%s may not begin", c.targets[at].Name)
	}
}

// end settles a run, and returns who is woken by that.
func (c *course) end(at int, report *ansible.Report) []string {
	c.woken = nil
	c.settle(edge, c.targets[at], c.asked, report)
	slices.Sort(c.woken)
	return c.woken
}

func (c *course) expect(what string, kinds ...turnKind) {
	c.t.Helper()
	if got := c.may(); !slices.Equal(got, kinds) {
		c.t.Errorf("%s: the turns are %v, want %v", what, got, kinds)
	}
}

func took(structure string) *ansible.Report {
	return &ansible.Report{Outcome: ansible.Outcome{Structure: structure}}
}

func failed(reason ansible.Reason) *ansible.Report { return &ansible.Report{Reason: reason} }

func TestACourseOfARollout(t *testing.T) {
	c := newCourse(t, "s1", "a", "b", "c", "d")
	c.expect("nothing to do", turnNone, turnNone, turnNone, turnNone)
	c.change("s2")
	c.expect("a first", turnGranted, turnFirst, turnFirst, turnFirst)
	c.begin(0)
	if woken := c.end(0, nil); woken != nil {
		t.Errorf("a run that never was wakes %v", woken)
	}
	c.begin(0)
	if woken := c.end(0, failed(ansible.ReasonRollbackPending)); woken != nil {
		t.Errorf("a change that is not decided yet wakes %v", woken)
	}
	c.expect("a is busy with itself", turnGranted, turnFirst, turnFirst, turnFirst)
	c.begin(0)
	if woken := c.end(0, failed(ansible.ReasonConnectionTimeout)); !slices.Equal(woken, []string{"edge.b", "edge.c", "edge.d"}) {
		t.Errorf("a canary that dies wakes %v", woken)
	}
	c.expect("then b", turnFirst, turnGranted, turnFirst, turnFirst)
	c.begin(1)
	if woken := c.end(1, took("s2")); !slices.Equal(woken, []string{"edge.a", "edge.c", "edge.d"}) {
		t.Errorf("a change that is proven wakes %v", woken)
	}
	c.expect("two at a time, the dead one last", turnLater, turnNone, turnGranted, turnGranted)
	c.begin(2)
	c.begin(3)
	if woken := c.end(3, took("s2")); !slices.Equal(woken, []string{"edge.a"}) {
		t.Errorf("a place that is free wakes %v", woken)
	}
	c.expect("there is room", turnGranted, turnNone, turnGranted, turnNone)

	c.change("s3")
	c.expect("c is still at s2", turnFirst, turnFirst, turnGranted, turnFirst)
	late := c.targets[2]
	late.Structure = "s2"
	c.settle(edge, late, request{generation: 2}, took("s2"))
	c.expect("what c did proves nothing for s3; a, which was dead, comes last", turnFirst, turnGranted, turnFirst, turnFirst)
}

func TestACourseThatIsStopped(t *testing.T) {
	c := newCourse(t, "s1", "a", "b")
	c.change("s2")
	c.expect("a first", turnGranted, turnFirst)
	c.begin(0)
	if woken := c.end(0, failed(ansible.ReasonNotConfirmed)); !slices.Equal(woken, []string{"edge.b"}) {
		t.Errorf("a change that is taken back wakes %v", woken)
	}
	c.expect("stopped", turnNone, turnStopped)
	c.begin(0)
	c.end(0, &ansible.Report{Outcome: ansible.Outcome{Structure: "s1", Held: ansible.HeldRolledBack}})
	c.expect("still stopped", turnNone, turnStopped)

	slow := c.asked
	c.asked.check = "now"
	c.intend(edge, c.targets, nil, 2, c.asked)
	c.expect("a person asks again", turnGranted, turnFirst)
	if turn, _ := c.turnOf(edge, "a"); !turn.retry {
		t.Error("a does not try again")
	}
	c.begin(0)
	c.end(0, failed(ansible.ReasonRollbackPending))
	if turn, _ := c.turnOf(edge, "a"); !turn.retry {
		t.Error("what was asked for is forgotten, though it was not tried")
	}
	c.begin(0)
	c.end(0, failed(ansible.ReasonNotConfirmed))
	c.expect("taken back once more", turnNone, turnStopped)

	c.change("s3")
	c.expect("another change", turnGranted, turnFirst)
	slow.generation--
	c.intend(edge, c.targets[:1], nil, 1, slow)
	c.expect("a slow worker changes nothing", turnGranted, turnFirst)

	c.begin(0)
	c.end(0, failed(ansible.ReasonNotConfirmed))
	c.expect("stopped again", turnNone, turnStopped)
	c.begin(0) // somebody corrected the local chain on a
	c.end(0, took("s3"))
	c.expect("a took it after all", turnNone, turnGranted)
}

func TestATurnIsTakenOnce(t *testing.T) {
	c := newCourse(t, "s1", "a", "b")
	c.change("s2")
	for i := range c.targets { // both fail, so whoever comes first may go
		c.begin(i)
		c.end(i, failed(ansible.ReasonConnectionTimeout))
	}
	c.expect("either", turnGranted, turnGranted)
	seen, _ := c.turnOf(edge, "b")
	c.begin(0)
	if c.take(edge, "b", seen) {
		t.Error("both are changed at one time")
	}
	c.forget(types.NamespacedName{Namespace: edge.Namespace, Name: "edge.a"})
	if !c.take(edge, "b", seen) {
		t.Error("a host that is gone keeps its turn")
	}
	c.forget(types.NamespacedName{Namespace: edge.Namespace, Name: "edge.b"})
	if len(c.byGateway) > 0 {
		t.Error("a gateway without hosts is remembered")
	}
}
