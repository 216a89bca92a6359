// The quick part of the benchmark, for every change: ratios of what was measured
// in turns, with wide margins, because the machine has other things to do too.
// Each check shows by a control that it can fail, or names what makes it fail.
package main

import (
	"os"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/nft-operator/nft-operator/test/lab"
)

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{ControlPlane: true})
	ctrl.SetLogger(logr.Discard()) // the operator, another process, has its own
	os.Exit(m.Run())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
