package plan

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestUnenforcedAnnotationsAreNamedWhateverTheySay(t *testing.T) {
	for value, annotations := range map[string]map[string]string{
		"none":    {"another": "x"},
		"proper":  {RateLimitAnnotation: "2 mbytes/second"},
		"hostile": {RateLimitAnnotation: "{{ lookup('pipe','id') }}"},
		"empty":   {RateLimitAnnotation: ""},
	} {
		var service corev1.Service
		service.Annotations = annotations
		want := []string{RateLimitAnnotation}
		if value == "none" {
			want = nil
		}
		if got := Unenforced(&service); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", value, got, want)
		}
	}
}
