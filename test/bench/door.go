package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/nft-operator/nft-operator/test/lab"
)

const (
	// knockEvery is how often a new connection is tried. A closed door does not
	// answer, so it is also how long an answer may take; it takes far less.
	knockEvery = 4 * time.Millisecond
	// closedAfter so many tries in a row without an answer a door is closed: the
	// machine may be late with one.
	closedAfter = 5
	// doorPatience is far more than a change may take.
	doorPatience = 2 * time.Minute
)

// awaitDoor tries new TCP connections from the client until the door is as asked
// for, and tells since when it is.
func awaitDoor(ctx context.Context, net *lab.Topology, door netip.AddrPort, open bool) (since time.Time, err error) {
	err = net.Client.Do(func() error {
		refused := 0
		for deadline := time.Now().Add(doorPatience); time.Now().Before(deadline) && ctx.Err() == nil; {
			began := time.Now()
			through, err := lab.TryHere(door, knockEvery)
			switch {
			case err != nil:
				return err
			case through && open:
				since = time.Now()
				return nil
			case through:
				refused = 0
			case !open:
				if refused++; refused == 1 {
					since = began
				}
				if refused == closedAfter {
					return nil
				}
			}
			time.Sleep(time.Until(began.Add(knockEvery)))
		}
		return fmt.Errorf("after %s the door %s is still not as it should be (open: %t)", doorPatience, door, open)
	})
	return since, err
}
