// Package v1alpha1 holds the nft-operator.io/v1alpha1 API: NftGateway, what the
// administrator wants, and NftGatewayHost, what one gateway host does.
//
// +kubebuilder:object:generate=true
// +groupName=nft-operator.io
package v1alpha1
