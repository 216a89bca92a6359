// Package control shows the controllers against a real API server, with the
// rights that config/base gives them. Only Ansible is scripted, so that
// faults can be chosen and runs counted; test/e2e has it real.
package control

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// world is what all tests of this package share, because it takes seconds to
// start. Each test has Services and NftGateways of its own in it.
type world struct {
	kube *lab.ControlPlane
	// api has the rights of an administrator.
	api client.WithWatch
	// account logs in as the operator's ServiceAccount.
	account *rest.Config
	scheme  *runtime.Scheme
	key     lab.Key
}

var the *world

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{ControlPlane: true})
	ctrl.SetLogger(logr.Discard())
	var err error
	if the, err = newWorld(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "control:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func newWorld(ctx context.Context) (*world, error) {
	w := &world{scheme: runtime.NewScheme()}
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, eventsv1.AddToScheme, coordinationv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(w.scheme); err != nil {
			return nil, err
		}
	}
	var err error
	if w.key, err = lab.NewKey("gateways"); err != nil {
		return nil, err
	}
	if w.kube, err = lab.StartControlPlane(); err != nil {
		return nil, err
	}
	w.kube.Config.QPS = -1
	if w.api, err = client.NewWithWatch(w.kube.Config, client.Options{Scheme: w.scheme}); err != nil {
		return nil, err
	}
	if err := w.kube.InstallOperator(ctx); err != nil {
		return nil, err
	}
	token, err := w.kube.OperatorToken(ctx)
	w.account = rest.AnonymousClientConfig(w.kube.Config)
	w.account.BearerToken, w.account.QPS = token, -1
	return w, err
}

// Patience of the tests, for a busy machine; all that they wait for is near.
const (
	patience     = 20 * time.Second
	pollInterval = 10 * time.Millisecond
)

// await polls until check has no complaint.
func await(t *testing.T, what string, check func() error) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		complaint := check()
		if complaint == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: after %s still: %v", what, patience, complaint)
		}
	}
}
