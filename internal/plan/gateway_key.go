package plan

import (
	"cmp"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"
)

// GatewayKey names an NftGateway. Make it with NewGatewayKey.
type GatewayKey struct {
	Namespace, Name string
}

// NewGatewayKey checks the namespace as a DNS-1123 label and the name as a
// DNS-1123 subdomain, as the API server does.
func NewGatewayKey(namespace, name string) (GatewayKey, error) {
	if len(validation.IsDNS1123Label(namespace)) > 0 {
		return GatewayKey{}, fmt.Errorf("namespace %s is not a DNS-1123 label", quote(namespace))
	}
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		return GatewayKey{}, fmt.Errorf("name %s is not a DNS-1123 subdomain", quote(name))
	}
	return GatewayKey{Namespace: namespace, Name: name}, nil
}

// String is "namespace/name".
func (k GatewayKey) String() string { return k.Namespace + "/" + k.Name }

// Compare orders keys by namespace, then name.
func (k GatewayKey) Compare(other GatewayKey) int {
	return cmp.Or(cmp.Compare(k.Namespace, other.Namespace), cmp.Compare(k.Name, other.Name))
}
