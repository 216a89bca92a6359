// Package controllers watches Services and NftGateways, asks package plan what
// each host is to enforce, hands that to the Ansible runner, and reports what
// became of it.
//
//	gateway_controller.go  one NftGatewayHost for each host; sums them up
//	host_controller.go     the unit of work: one queue key a host
//	service_controller.go  the condition and the Events of a Service
package controllers

// What the operator may do in the cluster. Secrets are read in the namespace
// of the NftGateways only.
//
// +kubebuilder:rbac:groups="",resources=services,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=services/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups="",namespace=nft-operator-system,resources=events,verbs=create
// +kubebuilder:rbac:groups=nft-operator.io,resources=nftgateways,verbs=list;watch
// +kubebuilder:rbac:groups=nft-operator.io,resources=nftgateways/status,verbs=patch
// +kubebuilder:rbac:groups=nft-operator.io,namespace=nft-operator-system,resources=nftgateways,verbs=patch
// +kubebuilder:rbac:groups=nft-operator.io,namespace=nft-operator-system,resources=nftgateways/finalizers,verbs=update
// +kubebuilder:rbac:groups=nft-operator.io,namespace=nft-operator-system,resources=nftgatewayhosts,verbs=list;watch;create;delete
// +kubebuilder:rbac:groups=nft-operator.io,namespace=nft-operator-system,resources=nftgatewayhosts/status,verbs=patch
// +kubebuilder:rbac:groups="",namespace=nft-operator-system,resources=secrets,verbs=get;list;watch
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=nft-operator-system,resources=leases,verbs=get;create;update
