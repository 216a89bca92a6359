package lab

import (
	"os"
	"testing"
)

// The suite runs its own binary again, as a lab within the lab, with this
// variable naming what the inner lab should do instead of testing.
const performanceVariable = "NFT_OPERATOR_LAB_PERFORMANCE"

func TestMain(m *testing.M) {
	performance := os.Getenv(performanceVariable)
	want := Isolation{ControlPlane: true, Node: performance == "" || performance == performPods}
	if performance == performDoor {
		want.Door = "127.0.0.1:0"
	}
	Isolate(want)
	if performance != "" {
		os.Exit(perform(performance))
	}
	os.Exit(m.Run())
}
