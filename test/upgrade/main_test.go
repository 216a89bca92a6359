// Package upgrade shows that objects which lie in a cluster outlive an upgrade:
// a real kube-apiserver with the CRDs of before, and those of now put over them.
package upgrade

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// The folders of the CRDs that stored objects may be of, and of those of now.
const (
	earlier = "testdata/earlier"
	shipped = "../../config/crd"
)

var plurals = []string{"nftgateways", "nftgatewayhosts"}

var (
	kube *lab.ControlPlane
	api  client.Client
)

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{ControlPlane: true})
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, "upgrade:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func start() error {
	var err error
	if kube, err = lab.StartControlPlane(); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	if api, err = client.New(kube.Config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	return kube.InstallOperator(context.Background())
}

// crdFile is where a folder has the CRD of a kind.
func crdFile(folder, plural string) string {
	return filepath.Join(folder, "nft-operator.io_"+plural+".yaml")
}

// readCRD reads the CRD of a kind.
func readCRD(t *testing.T, folder, plural string) *apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(read(t, crdFile(folder, plural)), &crd); err != nil {
		t.Fatal(err)
	}
	return &crd
}

// schemaOf is the schema of a kind.
func schemaOf(t *testing.T, folder, plural string) *apiextensionsv1.JSONSchemaProps {
	t.Helper()
	return readCRD(t, folder, plural).Spec.Versions[0].Schema.OpenAPIV3Schema
}

// readObject reads an object, with numbers as the API server has them.
func readObject(t *testing.T, path string) *unstructured.Unstructured {
	t.Helper()
	text, err := yaml.YAMLToJSONStrict(read(t, path))
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal(text, object); err != nil {
		t.Fatal(err)
	}
	return object
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
