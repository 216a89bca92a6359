package plan

import (
	"cmp"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"
)

// ServiceKey names a Service. Make it with NewServiceKey: the name of a Service
// travels to the gateways, so only checked names may become keys.
type ServiceKey struct {
	Namespace, Name string
}

// NewServiceKey checks both parts against the rules for DNS-1123 labels:
// lower-case letters, digits and '-', at most 63 of them.
func NewServiceKey(namespace, name string) (ServiceKey, error) {
	if len(validation.IsDNS1123Label(namespace)) > 0 {
		return ServiceKey{}, fmt.Errorf("namespace %s is not a DNS-1123 label", quote(namespace))
	}
	if len(validation.IsDNS1123Label(name)) > 0 {
		return ServiceKey{}, fmt.Errorf("name %s is not a DNS-1123 label", quote(name))
	}
	return ServiceKey{Namespace: namespace, Name: name}, nil
}

// String is "namespace/name", or "(unnamed)" for the zero key, which stands for
// a Service whose name was refused.
func (k ServiceKey) String() string {
	if k == (ServiceKey{}) {
		return "(unnamed)"
	}
	return k.Namespace + "/" + k.Name
}

// Compare orders keys by namespace, then name.
func (k ServiceKey) Compare(other ServiceKey) int {
	return cmp.Or(cmp.Compare(k.Namespace, other.Namespace), cmp.Compare(k.Name, other.Name))
}
