package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/nft-operator/nft-operator/test/lab"
)

const channel = "candidate"

// catalog has one version of the operator, the name of a ClusterServiceVersion.
type catalog struct{ version string }

// serveCatalog makes a catalog of the bundle, as docs/install.md says, and shows
// it to OLM. The manifests in it are for choosing; what is installed is in the image.
func serveCatalog(t *testing.T, olm *lab.OLM) catalog {
	t.Helper()
	image, err := the.node.ImportPinned(t.Context(), *bundleArchive)
	must(t, err)
	version := readObject(t, filepath.Join(*bundle, "manifests", "nft-operator.clusterserviceversion.yaml")).GetName()
	content := opm(t, olm, "init", "nft-operator", "--default-channel", channel, "--output", "yaml") +
		opm(t, olm, "render", *bundle, "--alpha-image-ref-template", image, "--output", "yaml") +
		"---\nschema: olm.channel\npackage: nft-operator\nname: " + channel + "\nentries: [{name: " + version + "}]\n"
	directory := t.TempDir()
	must(t, os.WriteFile(filepath.Join(directory, "index.yaml"), []byte(content), 0o600))
	opm(t, olm, "validate", directory)
	address, err := olm.ServeCatalog(directory)
	must(t, err)
	create(t, "CatalogSource", lab.OLMNamespace, "gateways", map[string]any{"sourceType": "grpc", "address": address})
	return catalog{version}
}

func opm(t *testing.T, olm *lab.OLM, arguments ...string) string {
	t.Helper()
	output, err := olm.Opm(t.Context(), arguments...)
	must(t, err)
	return output
}

// subscribe asks OLM for the operator, and awaits that it says that all that the
// operator asks for is there, and runs.
func (c catalog) subscribe(t *testing.T) {
	t.Helper()
	create(t, "Subscription", lab.OperatorNamespace, "nft-operator", map[string]any{
		"source": "gateways", "sourceNamespace": lab.OLMNamespace, "name": "nft-operator", "channel": channel,
	})
	csv := newObject("ClusterServiceVersion", lab.OperatorNamespace, c.version)
	await(t, "OLM runs the operator", func(ctx context.Context) error {
		if err := the.api.Get(ctx, client.ObjectKeyFromObject(csv), csv); err != nil {
			return err
		}
		status, _, err := unstructured.NestedMap(csv.Object, "status")
		if err == nil && status["phase"] != "Succeeded" {
			err = fmt.Errorf("%v: %v %v", status["phase"], status["message"], status["requirementStatus"])
		}
		return err
	})
}

// unsubscribe awaits that what OLM made in the operator's namespace is gone.
func unsubscribe(t *testing.T) {
	t.Helper()
	kubectl(t, namespaced("delete", "subscription,clusterserviceversion", "--all", "--timeout", patience.String())...)
	await(t, "OLM takes the operator away", func(ctx context.Context) error {
		left, err := the.kube.Kubectl(ctx, namespaced("get", "deployments,pods,services,serviceaccounts,poddisruptionbudgets,roles,rolebindings", "--output", "name")...)
		if err == nil && strings.Contains(left, "nft-operator") {
			err = fmt.Errorf("there are still:\n%s", left)
		}
		return err
	})
}

func create(t *testing.T, kind, namespace, name string, spec map[string]any) {
	t.Helper()
	object := newObject(kind, namespace, name)
	object.Object["spec"] = spec
	must(t, client.WithFieldValidation(the.api, "Strict").Create(t.Context(), object))
}

// newObject is one of OLM's kinds.
func newObject(kind, namespace, name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetAPIVersion("operators.coreos.com/v1alpha1")
	object.SetKind(kind)
	object.SetNamespace(namespace)
	object.SetName(name)
	return object
}

func readObject(t *testing.T, path string) *unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	read := &unstructured.Unstructured{}
	must(t, yaml.UnmarshalStrict(text, &read.Object))
	return read
}
