// Package api shows what the API server itself accepts, refuses, fills in and
// explains of the two kinds: a real kube-apiserver with the CRDs of config/crd.
package api

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

var (
	kube *lab.ControlPlane
	api  client.Client
)

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{ControlPlane: true})
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
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

// least is an NftGateway with every field that must be there, and no other.
const least = `
apiVersion: nft-operator.io/v1alpha1
kind: NftGateway
metadata:
  name: edge
  namespace: nft-operator-system
spec:
  hosts:
    - {name: gw1, address: 192.0.2.1}
  publicInterfaces: [eth0]
  ssh:
    privateKeySecretRef: {name: gateway-ssh}
  services:
    allowedCIDRs: [203.0.113.0/24]
`

// leastWith merges a change into the least NftGateway: lists are replaced as a
// whole, null removes a field.
func leastWith(t *testing.T, change string) *unstructured.Unstructured {
	t.Helper()
	patched, err := jsonpatch.MergePatch(toJSON(t, least), toJSON(t, change))
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal(patched, &object.Object); err != nil {
		t.Fatal(err)
	}
	return object
}

func toJSON(t *testing.T, text string) []byte {
	t.Helper()
	converted, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return converted
}

// try asks the API server whether it would create the object, as kubectl does:
// unknown fields are errors.
func try(t *testing.T, object *unstructured.Unstructured) error {
	t.Helper()
	return api.Create(t.Context(), object, client.DryRunAll, client.FieldValidation("Strict"))
}
