package api

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/internal/plan"
)

func TestSamplesAreAccepted(t *testing.T) {
	samples, err := filepath.Glob("../../config/samples/*.yaml")
	if err != nil || len(samples) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, sample := range samples {
		t.Run(filepath.Base(sample), func(t *testing.T) {
			if _, err := kube.Kubectl(t.Context(), "create", "--dry-run=server", "--validate=strict", "--filename", sample); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAllFieldsSampleHasAllFields walks the schema of spec beside the sample
// that promises every field.
func TestAllFieldsSampleHasAllFields(t *testing.T) {
	text, err := os.ReadFile("../../config/samples/nftgateway-all-fields.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sample := leastWith(t, string(text)).Object
	spec := schemaOf(t, "nftgateways").Properties["spec"]
	shown := fieldsOf("spec", sample["spec"])
	for path := range properties("spec", &spec) {
		if !shown[path] && !insideSelector(path) {
			t.Errorf("%s is not in the sample", path)
		}
	}
}

// TestSamplesMakeSense where the API server cannot tell: texts are read by the operator.
func TestSamplesMakeSense(t *testing.T) {
	for _, sample := range []string{"nftgateway.yaml", "nftgateway-all-fields.yaml"} {
		text, err := os.ReadFile("../../config/samples/" + sample)
		if err != nil {
			t.Fatal(err)
		}
		var gateway v1alpha1.NftGateway
		if err := yaml.UnmarshalStrict(text, &gateway); err != nil {
			t.Fatal(err)
		}
		known, err := ansible.ParseKnownHosts(gateway.Spec.SSH.KnownHosts)
		if err != nil || known.Empty() {
			t.Errorf("%s: %v", sample, err)
		}
		if _, err := plan.ForGateway(&gateway, nil, nil); err != nil {
			t.Errorf("%s: %v", sample, err)
		}
	}
}

// fieldsOf collects the paths of a value's fields, list indexes left out.
func fieldsOf(path string, value any) map[string]bool {
	fields := map[string]bool{path: true}
	join := func(more map[string]bool) {
		for field := range more {
			fields[field] = true
		}
	}
	switch value := value.(type) {
	case map[string]any:
		for name, child := range value {
			join(fieldsOf(path+"."+name, child))
		}
	case []any:
		for _, child := range value {
			join(fieldsOf(path, child))
		}
	}
	return fields
}

// insideSelector is for label selectors, of which one form is enough.
func insideSelector(path string) bool {
	for _, selector := range []string{"spec.services.selector.", "spec.services.namespaceSelector."} {
		if strings.HasPrefix(path, selector) {
			return true
		}
	}
	return false
}
