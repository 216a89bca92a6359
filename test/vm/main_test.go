// Package vm_test proves on a machine with a kernel and a systemd of its own
// what namespaces cannot show: boots, resets, a clock that jumps, and the units
// that keep a gateway filtered through all of it. The operator's runner enters
// it as a user who may use sudo; root cannot log in.
package vm_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
	"github.com/nft-operator/nft-operator/test/lab/apply"
)

// runner runs the playbooks for all tests, as one operator does.
var runner ansible.PlaybookRunner

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{Machine: true})
	var err error
	// An emulated host is ten times slower than a real one.
	if runner, err = apply.OpenRunner(6 * time.Minute); err != nil {
		fmt.Fprintln(os.Stderr, "vm:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
