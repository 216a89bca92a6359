package bundle

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestOLMsSchemaRefusesWhatIsWrong: the one that took the ClusterServiceVersion
// of the bundle.
func TestOLMsSchemaRefusesWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		change   func(spec map[string]any)
		sentence string
	}{
		"unknown field": {
			func(spec map[string]any) { spec["displayname"] = "nft-operator" },
			`unknown field "spec.displayname"`,
		},
		"unknown field of a container": {
			func(spec map[string]any) { containerOf(spec)["imagePolicy"] = "Always" },
			`containers[0].imagePolicy"`,
		},
		"no strategy": {
			func(spec map[string]any) { delete(spec["install"].(map[string]any), "strategy") },
			"spec.install.strategy: Required value",
		},
		"descriptors as text": {
			func(spec map[string]any) { owned(spec)[0].(map[string]any)["statusDescriptors"] = "all" },
			`statusDescriptors in body must be of type array`,
		},
	} {
		wrong := csv.DeepCopy()
		wrong.SetName("wrong")
		test.change(wrong.Object["spec"].(map[string]any))
		err := api.Create(t.Context(), wrong, client.DryRunAll)
		if err == nil || !strings.Contains(err.Error(), test.sentence) {
			t.Errorf("%s: %v, want %q", name, err, test.sentence)
		}
	}
}

// TestTheExamplesAreAccepted, of every kind that is owned.
func TestTheExamplesAreAccepted(t *testing.T) {
	var examples []map[string]any
	if err := json.Unmarshal([]byte(csv.GetAnnotations()["alm-examples"]), &examples); err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, example := range examples {
		object := &unstructured.Unstructured{Object: example}
		shown[object.GetKind()] = true
		if err := api.Create(t.Context(), object, client.DryRunAll); err != nil {
			t.Errorf("%s %s: %v", object.GetKind(), object.GetName(), err)
		}
	}
	for _, kind := range owned(csv.Object["spec"].(map[string]any)) {
		if name := kind.(map[string]any)["kind"].(string); !shown[name] {
			t.Errorf("no example of %s", name)
		}
	}
}

func owned(spec map[string]any) []any {
	return spec["customresourcedefinitions"].(map[string]any)["owned"].([]any)
}

func containerOf(spec map[string]any) map[string]any {
	install := spec["install"].(map[string]any)["spec"].(map[string]any)
	deployment := install["deployments"].([]any)[0].(map[string]any)["spec"].(map[string]any)
	pod := deployment["template"].(map[string]any)["spec"].(map[string]any)
	return pod["containers"].([]any)[0].(map[string]any)
}
