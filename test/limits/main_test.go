// Package limits_test measures what Services get through a gateway that holds
// them to their rates: planned from annotations, applied by the playbook, and
// counted where the packets arrive.
package limits_test

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
	lab.Isolate(lab.Isolation{})
	var err error
	if runner, err = apply.OpenRunner(2 * time.Minute); err != nil {
		fmt.Fprintln(os.Stderr, "limits:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
