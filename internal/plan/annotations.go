package plan

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

// SameAnnotations reports whether a plan reads the same in the annotations of
// two Services. One that is empty is not the same as one that is not there.
func SameAnnotations(a, b *corev1.Service) bool {
	for _, annotation := range append(ratelimit.Annotations(), corev1.AnnotationLoadBalancerSourceRangesKey) {
		text, there := a.Annotations[annotation]
		other, alsoThere := b.Annotations[annotation]
		if there != alsoThere || text != other {
			return false
		}
	}
	return true
}
