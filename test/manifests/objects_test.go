package manifests

import (
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

func operatorContainer(t *testing.T) corev1.Container {
	t.Helper()
	containers := deployment.Spec.Template.Spec.Containers
	if len(containers) != 1 {
		t.Fatalf("%d containers, want the operator only", len(containers))
	}
	return containers[0]
}

func keyOf(object client.Object) client.ObjectKey { return client.ObjectKeyFromObject(object) }

// objectsOf reads the documents of a YAML text.
func objectsOf(t *testing.T, text string) []map[string]any {
	t.Helper()
	var objects []map[string]any
	for document := range strings.SplitSeq(text, "\n---\n") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
	return objects
}

// field follows names into maps; nil where one is not there.
func field(value any, path ...string) any {
	for _, name := range path {
		fields, _ := value.(map[string]any)
		value = fields[name]
	}
	return value
}

func wantSame(t *testing.T, what string, got, want any) {
	t.Helper()
	if got == nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
