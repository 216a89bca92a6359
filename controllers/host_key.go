package controllers

import (
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// hostKey names the NftGatewayHost of a gateway's host. A host name has no
// dot, so the two parts cannot be mistaken for those of another gateway.
func hostKey(gateway types.NamespacedName, host string) types.NamespacedName {
	return types.NamespacedName{Namespace: gateway.Namespace, Name: gateway.Name + "." + host}
}

// gatewayAndHost takes the name of an NftGatewayHost apart.
func gatewayAndHost(key types.NamespacedName) (gateway types.NamespacedName, host string, ok bool) {
	dot := strings.LastIndexByte(key.Name, '.')
	if dot < 0 {
		return gateway, "", false
	}
	return types.NamespacedName{Namespace: key.Namespace, Name: key.Name[:dot]}, key.Name[dot+1:], true
}
