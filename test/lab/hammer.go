package lab

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// Hammer is a volley at doors that must all be closed. It notes, in the
// kernels behind them, what comes through, and at the client what is answered.
type Hammer struct {
	*Volley
	observers []*Observer
}

const (
	// hammerSourcePort tells a hammer's packets from all others; it lies above
	// the ports that the kernel gives to sockets.
	hammerSourcePort = 61998
	// hammeredDoors is how many different packets can be noted.
	hammeredDoors = 1 << 14
)

// hammerPace is packets in small groups, so that an opening of a few
// milliseconds is met by some of them.
var hammerPace = Pace{Packets: 8, Every: 2 * time.Millisecond}

// Hammer fires at closed doors of the node and of the gateway itself until it is
// closed.
func (t *Topology) Hammer(via *Gateway, targets ...Target) (*Hammer, error) {
	h := &Hammer{}
	fromHammer, toHammer := fmt.Sprintf("th sport %d", hammerSourcePort), fmt.Sprintf("th dport %d", hammerSourcePort)
	for _, post := range []struct {
		namespace    *Namespace
		where, match string
	}{
		{t.Node.Namespace, arriving, fromHammer},
		{via.Namespace, admitted, fromHammer},
		{t.Client.Namespace, arriving, toHammer},
	} {
		observer, err := post.namespace.observe(post.where, post.match, hammeredDoors, "drop")
		if err != nil {
			return nil, errors.Join(err, h.closeObservers())
		}
		h.observers = append(h.observers, observer)
	}
	volley, err := t.Fire(via, hammerSourcePort, hammerPace, targets...)
	if err != nil {
		return nil, errors.Join(err, h.closeObservers())
	}
	h.Volley = volley
	return h, nil
}

// Through lists what came through so far, and any answer to it.
func (h *Hammer) Through() (Packets, error) {
	through := Packets{}
	for _, observer := range h.observers {
		seen, err := observer.Seen()
		if err != nil {
			return nil, err
		}
		maps.Copy(through, seen)
	}
	return through, nil
}

// Close ends the hammering and the noting.
func (h *Hammer) Close() error {
	return errors.Join(h.Volley.Close(), h.closeObservers())
}

func (h *Hammer) closeObservers() (err error) {
	for _, observer := range h.observers {
		err = errors.Join(err, observer.Close())
	}
	return err
}
