package plan

import (
	"cmp"
	"slices"
)

// settle gives each tuple to the oldest Service that claims it and opens it
// there, or not: a Service that is closed as a whole, or admits nobody of the
// address's family, keeps its tuples against newer Services all the same. If it
// did not, a typing error in its ranges would hand its address to whoever asked
// for it next, and correcting the error would take it away from them again.
//
// It sorts the claims by age and adds the refusals to the losing ones.
func settle(claims []*claim) []Exposure {
	slices.SortFunc(claims, olderClaim)
	n := 0
	for _, c := range claims {
		n += len(c.tuples)
	}
	holders := make(map[tuple]*claim, n)
	exposures := make([]Exposure, 0, n)
	for _, c := range claims {
		exposures = c.take(holders, exposures)
	}
	slices.SortFunc(exposures, func(a, b Exposure) int { return compareExposures(&a, &b) })
	return exposures
}

// olderClaim orders by age. Creation times have a resolution of a second, so
// the name decides between Services of one burst.
func olderClaim(a, b *claim) int {
	return cmp.Or(a.created.Compare(b.created), a.service.Compare(b.service))
}

// take lets a claim hold what is still free.
func (c *claim) take(holders map[tuple]*claim, exposures []Exposure) []Exposure {
	var lost []lostTuple
	for _, t := range c.tuples {
		if holder, held := holders[t]; held {
			lost = append(lost, lostTuple{t, holder.service})
			continue
		}
		holders[t] = c
		if c.closed {
			continue
		}
		if sources, admitted := c.sources.to(t.address); admitted {
			c.openings++
			exposures = append(exposures, Exposure{c.service, t.address, t.protocol, t.port, sources})
		}
	}
	c.refuseLost(lost)
	return exposures
}

// lostTuple is a tuple that an older Service holds.
type lostTuple struct {
	tuple
	holder ServiceKey
}

// refuseLost writes one refusal for each address and holder, so that a Service
// with a hundred ports does not get a hundred of them.
func (c *claim) refuseLost(lost []lostTuple) {
	slices.SortFunc(lost, func(a, b lostTuple) int {
		return cmp.Or(a.address.Compare(b.address), a.holder.Compare(b.holder), a.compare(&b.tuple))
	})
	for len(lost) > 0 {
		first := lost[0]
		n := slices.IndexFunc(lost, func(l lostTuple) bool { return l.address != first.address || l.holder != first.holder })
		if n < 0 {
			n = len(lost)
		}
		c.refuse(AddressInUse, "older Service %s holds %s %s/%d%s; use another address or port", first.holder, first.address, first.protocol, first.port, andMore(n-1))
		lost = lost[n:]
	}
}

func compareExposures(a, b *Exposure) int {
	if c := a.Address.Compare(b.Address); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port))
}
