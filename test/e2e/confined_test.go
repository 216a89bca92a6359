package e2e

import (
	"fmt"
	"os"
	"regexp"
	"testing"
)

// TestTheOperatorHasNoMorePowerThanItsPod looks at the operator of all these
// tests itself: test/lab shows what a process that is confined so cannot do.
func TestTheOperatorHasNoMorePowerThanItsPod(t *testing.T) {
	first := the.operator.Pid()
	operators := children(t, first, "nft-operator")
	if len(operators) != 1 {
		t.Fatalf("process %d has children %v", first, operators)
	}
	for _, process := range []int{first, operators[0]} {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process))
		must(t, err)
		for _, line := range []string{
			`Uid:(\t1000650000){4}`, `Gid:(\t0){4}`, `Groups:\t `,
			`CapInh:\t0{16}`, `CapPrm:\t0{16}`, `CapEff:\t0{16}`, `CapBnd:\t0{16}`, `CapAmb:\t0{16}`, `NoNewPrivs:\t1`,
		} {
			if !regexp.MustCompile(`(?m)^` + line + `$`).Match(status) {
				t.Errorf("process %d is not as %q:\n%s", process, line, status)
			}
		}
	}
}
