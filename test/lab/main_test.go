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
	Isolate(Isolation{ControlPlane: performance == ""})
	if performance != "" {
		os.Exit(perform(performance))
	}
	os.Exit(m.Run())
}
