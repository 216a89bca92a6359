package plan

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

func TestSameAnnotations(t *testing.T) {
	for _, annotation := range append(ratelimit.Annotations(), corev1.AnnotationLoadBalancerSourceRangesKey) {
		for name, test := range map[string]struct {
			a, b map[string]string
			same bool
		}{
			"as it was":       {map[string]string{annotation: "x"}, map[string]string{annotation: "x", "another": "y"}, true},
			"another text":    {map[string]string{annotation: "x"}, map[string]string{annotation: "y"}, false},
			"taken away":      {map[string]string{annotation: "x"}, nil, false},
			"empty, not gone": {map[string]string{annotation: ""}, nil, false},
		} {
			var a, b corev1.Service
			a.Annotations, b.Annotations = test.a, test.b
			if got := SameAnnotations(&a, &b); got != test.same || got != SameAnnotations(&b, &a) {
				t.Errorf("%s, %s: got %v", annotation, name, got)
			}
		}
	}
}
