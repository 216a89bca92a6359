// Package bundle does with bundle/ what OLM would do, on a real kube-apiserver
// that has OLM's kinds: it creates the ClusterServiceVersion and what lies beside
// it, and what its install strategy asks for.
package bundle

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/nft-operator/nft-operator/test/lab"
)

var (
	kube *lab.ControlPlane
	// api refuses unknown fields.
	api client.Client
	// csv is the bundle's ClusterServiceVersion, in the operator's namespace.
	csv *unstructured.Unstructured
	// strategy is what it asks OLM for.
	strategy installStrategy
	// deployment is what became of it.
	deployment appsv1.Deployment
)

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{ControlPlane: true, ForeignKinds: true})
	if err := start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
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
	api = client.WithFieldValidation(api, "Strict")
	// What the administrator does first.
	if _, err := kube.Kubectl(ctx, "apply", "--server-side", "--validate=strict", "-k", "../../config/olm"); err != nil {
		return err
	}
	return install(ctx)
}

// install creates everything that OLM would, in its order.
func install(ctx context.Context) error {
	if err := createManifests(ctx); err != nil {
		return err
	}
	text, err := yaml.Marshal(csv.Object["spec"].(map[string]any)["install"])
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(text, &strategy); err != nil {
		return fmt.Errorf("the install strategy: %w", err)
	}
	for _, object := range strategy.objects() {
		if err := api.Create(ctx, object); err != nil {
			return fmt.Errorf("create %T %s: %w", object, object.GetName(), err)
		}
	}
	return api.Get(ctx, client.ObjectKey{Namespace: lab.OperatorNamespace, Name: "nft-operator"}, &deployment)
}

// createManifests creates what lies in bundle/manifests. The lab has the CRDs
// of config/crd already; those of the bundle take their place.
func createManifests(ctx context.Context) error {
	paths, err := filepath.Glob("../../bundle/manifests/*.yaml")
	if err != nil {
		return err
	}
	for _, path := range paths {
		object, err := readObject(path)
		if err != nil {
			return err
		}
		if object.GetKind() == "CustomResourceDefinition" {
			if _, err := kube.Kubectl(ctx, "apply", "--server-side", "--force-conflicts", "--validate=strict", "--filename", path); err != nil {
				return err
			}
			continue
		}
		// OLM installs into the namespace of the subscription, whatever is written.
		object.SetNamespace(lab.OperatorNamespace)
		if err := api.Create(ctx, object.DeepCopy()); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if object.GetKind() == "ClusterServiceVersion" {
			csv = object
		}
	}
	if csv == nil {
		return fmt.Errorf("no ClusterServiceVersion in %v", paths)
	}
	return nil
}

func readObject(path string) (*unstructured.Unstructured, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict(text, &object.Object); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return object, nil
}
