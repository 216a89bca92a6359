// Package manifests installs the operator as users do, with the one file that
// make manifests writes, on a real kube-apiserver, and asks it what that means.
package manifests

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/test/lab"
)

var (
	kube *lab.ControlPlane
	api  client.Client
	// installFile is dist/install.yaml, made anew.
	installFile string
	// What the API server has of it.
	deployment    appsv1.Deployment
	budget        policyv1.PodDisruptionBudget
	networkPolicy networkingv1.NetworkPolicy
)

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{ControlPlane: true, ForeignKinds: true})
	if err := start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "manifests:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func start(ctx context.Context) error {
	var err error
	if kube, err = lab.StartControlPlane(); err != nil {
		return err
	}
	if err := kube.InstallForeignKinds(); err != nil {
		return err
	}
	if api, err = client.New(kube.Config, client.Options{Scheme: scheme.Scheme}); err != nil {
		return err
	}
	text, err := kube.Kubectl(ctx, "kustomize", "../../config/default")
	if err != nil {
		return err
	}
	installFile = filepath.Join(os.TempDir(), "install.yaml")
	if err := os.WriteFile(installFile, []byte(text), 0o600); err != nil {
		return err
	}
	if _, err := install(ctx); err != nil {
		return err
	}
	name := client.ObjectKey{Namespace: lab.OperatorNamespace, Name: "nft-operator"}
	for _, object := range []client.Object{&deployment, &budget, &networkPolicy} {
		if err := api.Get(ctx, name, object); err != nil {
			return err
		}
	}
	return nil
}

func install(ctx context.Context) (string, error) {
	return kube.Kubectl(ctx, "apply", "--server-side", "--validate=strict", "--filename", installFile)
}
