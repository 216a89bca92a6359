// Package cluster runs the operator as it is shipped: Pods of its image on a real
// node, installed from dist/install.yaml, or by OLM from the bundle. make
// test-cluster makes what is shipped, and runs it.
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

	bundle        = flag.String("bundle", "", "the OLM bundle, a directory")
	bundleArchive = flag.String("bundle-archive", "", "the image of the OLM bundle, an OCI archive")
	beforeOLM     = flag.String("before-olm", "", "the file that is applied before OLM installs the operator")

	the *world
)

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{ControlPlane: true, Node: true, ForeignKinds: true, OLM: true})
	flag.Parse()
	for _, name := range []string{"archive", "install", "bundle", "bundle-archive", "before-olm"} {
		if flag.Lookup(name).Value.String() == "" {
			fmt.Fprintf(os.Stderr, "cluster: -%s is missing: run make test-cluster\n", name)
			os.Exit(1)
		}
	}
	var err error
	if the, err = newWorld(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
