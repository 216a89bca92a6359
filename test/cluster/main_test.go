// Package cluster runs the operator as it is shipped: Pods of its image on a real
// node, installed from dist/install.yaml. make test-cluster makes both, and runs
// it.
package cluster

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/nft-operator/nft-operator/test/lab"
)

var (
	archive = flag.String("archive", "", "the operator's image, an OCI archive")
	install = flag.String("install", "", "the file that installs the operator")

	the *world
)

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{ControlPlane: true, Node: true})
	flag.Parse()
	if *archive == "" || *install == "" {
		fmt.Fprintln(os.Stderr, "cluster: no image, or no file that installs it: run make test-cluster")
		os.Exit(1)
	}
	var err error
	if the, err = newWorld(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
