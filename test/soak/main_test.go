// Package soak shows that nothing is lost under churn: while Services and
// options change in a random order, streams, new connections and closed ports
// at a real gateway are watched without a pause.
package soak

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/test/lab"
)

var (
	changeCount = flag.Int("changes", 150, "how many changes the soak makes")
	seedFlag    = flag.Uint64("seed", 0, "which sequence of changes; 0 for another each time")
)

var the *world

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{ControlPlane: true})
	flag.Parse()
	var err error
	if the, err = newWorld(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// seed is the sequence's: printed, so that a failure can be had again.
func seed() uint64 {
	if *seedFlag != 0 {
		return *seedFlag
	}
	return uint64(time.Now().UnixNano())
}
