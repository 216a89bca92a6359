// Package e2e shows the whole of nft-operator on real parts: the operator's
// own binary, confined and with the rights as it is shipped, a real API server,
// gateways with real sshd, nft and kernel, and real packets through them.
package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// world is what all tests of this package share, because it takes seconds to
// build: each test has a Kubernetes namespace and addresses of its own in it.
type world struct {
	kube     *lab.ControlPlane
	net      *lab.Topology
	api      client.Client
	operator *lab.Operator
	program  string
}

var the *world

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{ControlPlane: true})
	var err error
	if the, err = newWorld(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	code := m.Run()
	if err := judgeRights(code == 0 && everyTest()); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func newWorld(ctx context.Context) (*world, error) {
	w := &world{}
	var err error
	if w.program, err = lab.BuildProgram("nft-operator"); err != nil {
		return nil, err
	}
	if w.kube, err = lab.StartControlPlane(); err != nil {
		return nil, err
	}
	if w.net, err = lab.NewTopology(lab.Layout{Gateways: 2}); err != nil {
		return nil, err
	}
	if w.api, err = w.kube.Client(); err != nil {
		return nil, err
	}
	if err := w.kube.InstallOperator(ctx); err != nil {
		return nil, err
	}
	if err := w.createEdge(ctx); err != nil {
		return nil, err
	}
	w.operator, err = w.kube.StartOperator(ctx, w.program)
	return w, err
}

// edge is the NftGateway that the tests share, with both gateways.
const edge = "edge"

func (w *world) createEdge(ctx context.Context) error {
	if err := w.api.Create(ctx, lab.NewSSHSecret(lab.SSHSecret, w.net.Key.Private)); err != nil {
		return err
	}
	return w.api.Create(ctx, lab.NewEdge(edge, w.net.Gateways...))
}

func cidrs(prefixes []netip.Prefix) []v1alpha1.CIDR {
	var texts []v1alpha1.CIDR
	for _, prefix := range prefixes {
		texts = append(texts, v1alpha1.CIDR(prefix.String()))
	}
	return texts
}
