package manifests

import (
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestTheOperatorMayWhatDocsInstallSays asks the API server. The namespace that
// is empty stands for the whole cluster.
func TestTheOperatorMayWhatDocsInstallSays(t *testing.T) {
	const own, other, every = lab.OperatorNamespace, "default", ""
	tests := []struct {
		verb, group, resource, subresource, namespace string
		allowed                                       bool
	}{
		{"list", "", "secrets", "", own, true},
		{"get", "", "secrets", "", other, false},
		{"list", "", "secrets", "", every, false},
		{"update", "", "secrets", "", own, false},
		{"watch", "", "services", "", every, true},
		{"patch", "", "services", "status", other, true},
		{"patch", "", "services", "", other, false},
		{"get", "", "services", "", other, false},
		{"list", "", "namespaces", "", every, true},
		{"patch", "", "namespaces", "", every, false},
		{"create", "events.k8s.io", "events", "", other, true},
		{"create", "", "events", "", other, false},
		{"list", "", "pods", "", own, false},
		{"create", "", "pods", "", own, false},
		{"create", "coordination.k8s.io", "leases", "", own, true},
		{"create", "coordination.k8s.io", "leases", "", other, false},
		{"create", "nft-operator.io", "nftgatewayhosts", "", own, true},
		{"create", "nft-operator.io", "nftgatewayhosts", "", other, false},
		{"patch", "nft-operator.io", "nftgateways", "", own, true},
		{"patch", "nft-operator.io", "nftgateways", "", other, false},
		{"delete", "nft-operator.io", "nftgateways", "", own, false},
		{"create", "rbac.authorization.k8s.io", "clusterrolebindings", "", every, false},
		{"update", "admissionregistration.k8s.io", "validatingadmissionpolicies", "", every, false},
	}
	for _, test := range tests {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: "system:serviceaccount:" + own + ":nft-operator",
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: test.verb, Group: test.group, Resource: test.resource, Subresource: test.subresource, Namespace: test.namespace,
			},
		}}
		if err := api.Create(t.Context(), review); err != nil {
			t.Fatal(err)
		}
		if review.Status.Allowed != test.allowed {
			t.Errorf("%+v: allowed is %v", test, review.Status.Allowed)
		}
	}
}
