package soak

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/test/lab"
)

// harm is something that must not go unseen, done to the gateway by hand.
type harm struct {
	name string
	do   string // for nft -f
	undo string // the same; nothing where there is nothing to undo, or the operator is to mend it
	told []string
}

var harms = []harm{
	{
		name: "counters are reset",
		do:   "reset counters table inet nft_operator\n",
		told: []string{"counter no_service went from"},
	},
	{
		name: "an element is made anew",
		do: "delete element inet nft_operator services6 { 2001:db8:1b::10 . tcp . 80 }\n" +
			"add element inet nft_operator services6 { 2001:db8:1b::10 . tcp . 80 comment \"soak/web\" }\n",
		told: []string{"the counter of tcp [2001:db8:1b::10]:80 (soak/web) went from"},
	},
	{
		name: "a closed door opens",
		do:   "insert rule inet nft_operator local-chain tcp dport { 23, 81 } accept\n",
		undo: "flush chain inet nft_operator local-chain\n",
		told: []string{
			"through a closed door came 198.51.100.10 -> 203.0.113.10:81 tcp",
			"through a closed door came 198.51.100.10 -> 198.51.100.201:23 tcp",
		},
	},
	{
		name: "source ranges are forgotten",
		do:   "flush set inet nft_operator limited6\n",
		undo: "add element inet nft_operator limited6 { 2001:db8:1b::11 . tcp . 443 comment \"soak/guarded\", " +
			"2001:db8:1b::11 . udp . 443 comment \"soak/guarded\" }\n",
		told: []string{"through a closed door came 2001:db8:c::77 -> [2001:db8:1b::11]:443 tcp"},
	},
	{
		name: "a stream loses packets now and then",
		do:   "insert rule inet nft_operator local-chain ip6 daddr 2001:db8:1b::11 tcp dport 443 ct state established numgen inc mod 16 0 drop\n",
		undo: "flush chain inet nft_operator local-chain\n",
		told: []string{"stream 2001:db8:c::10 -> [2001:db8:1b::11]:443"},
	},
	{
		name: "permitted connections are refused",
		do:   "insert rule inet nft_operator local-chain ip daddr 203.0.113.12 tcp dport 443 reject with tcp reset\n",
		undo: "flush chain inet nft_operator local-chain\n",
		told: []string{"stream 198.51.100.10 -> 203.0.113.12:443", "connection refused"},
	},
	{
		name: "what is open is forgotten",
		do:   "flush set inet nft_operator services4\nflush set inet nft_operator services6\n",
		told: []string{
			"a permitted connection is lost: tcp 198.51.100.10 -> 203.0.113.10:80", "a permitted connection is lost: udp 2001:db8:c::10 ->",
			"did not arrive", "the counter of tcp 203.0.113.10:80 (soak/web) went from",
		},
	},
}

// TestTheWatchSeesHarm does to the gateway what the operator must never do, and
// expects each time to be told.
func TestTheWatchSeesHarm(t *testing.T) {
	ctx := t.Context()
	j := newJournal(0)
	traffic, err := the.startTraffic(j)
	if err != nil {
		t.Fatal(err)
	}
	if err := the.await(ctx, "two readings of the counters", traffic.lookedTwice); err != nil {
		t.Fatal(err)
	}
	if complaints := j.all(); len(complaints) > 0 {
		t.Errorf("the watch complains before any harm is done: %q", complaints)
	}
	for _, harm := range harms {
		j.begin("%s", harm.name)
		if err := the.gateway.Nft(harm.do); err != nil {
			t.Fatal(err)
		}
		if err := the.await(ctx, harm.name+": to be told", func() error { return j.lacks(harm.told) }); err != nil {
			t.Error(err)
		}
		if err := the.gateway.Nft(harm.undo); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(the.checkNow(ctx), the.settle(ctx)); err != nil {
		t.Error(err)
	}
	if _, err := traffic.finish(); err != nil {
		t.Error(err)
	}
}

// lookedTwice is an error until there is something to compare with.
func (t *traffic) lookedTwice() error {
	l := t.world.ledger
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.reads < 2 {
		return fmt.Errorf("%d so far", l.reads)
	}
	return nil
}

// lacks is an error while one of the texts is in no complaint.
func (j *journal) lacks(texts []string) error {
	all := strings.Join(j.all(), "\n")
	for _, text := range texts {
		if !strings.Contains(all, text) {
			return fmt.Errorf("no complaint says %q; there are:\n%s", text, all)
		}
	}
	return nil
}

// TestTheScanSeesWhatIsNotIntended lies about what the Services ask for.
func TestTheScanSeesWhatIsNotIntended(t *testing.T) {
	ctx := t.Context()
	there := service{name: churnedNames[0], addresses: addressesOf(churnedNames[0]), ports: []port{{lab.TCP, firstChurnedPort}},
		ranges: []string{"198.51.100.10/32", "2001:db8:c::/122"}}
	if err := errors.Join(the.create(ctx, there), the.settle(ctx)); err != nil {
		t.Fatal(err)
	}
	j := newJournal(0)
	c := &churn{world: the, journal: j}
	if err := c.scan(); err != nil || len(j.all()) > 0 {
		t.Errorf("the scan complains though all is as intended: %v %q", err, j.all())
	}
	lie := there
	lie.ports, lie.ranges = []port{{lab.SCTP, firstChurnedPort}}, []string{"198.51.100.77/32"}
	the.intent.services[there.name] = lie
	if err := c.scan(); err != nil {
		t.Error(err)
	}
	if err := j.lacks([]string{
		"198.51.100.77 -> 203.0.113.30:1000 sctp does not come through",
		"198.51.100.10 -> 203.0.113.30:1000 tcp comes through",
		"2001:db8:c::10 -> [2001:db8:1b::30]:1000 tcp comes through",
	}); err != nil {
		t.Error(err)
	}
	the.intent.services[there.name] = there
	if err := errors.Join(the.remove(ctx, there.name), the.settle(ctx)); err != nil {
		t.Fatal(err)
	}
}
