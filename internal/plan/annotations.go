package plan

import corev1 "k8s.io/api/core/v1"

// RateLimitAnnotation asked the ancestor for a limit. It is not enforced yet.
const RateLimitAnnotation = "ratelimit"

// Unenforced lists the annotations of a Service that ask for something which a
// gateway does not do. Their values are not looked at.
func Unenforced(service *corev1.Service) []string {
	if _, asked := service.Annotations[RateLimitAnnotation]; asked {
		return []string{RateLimitAnnotation}
	}
	return nil
}
