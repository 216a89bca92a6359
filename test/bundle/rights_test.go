package bundle

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestTheRightsAreThoseOfInstallYAML, and nobody's but the operator's.
func TestTheRightsAreThoseOfInstallYAML(t *testing.T) {
	text, err := os.ReadFile("../../config/rbac/role.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var ofCluster rbacv1.ClusterRole
	var ofNamespace rbacv1.Role
	for document := range strings.SplitSeq(string(text), "---\n") {
		into := any(&ofNamespace)
		switch {
		case strings.TrimSpace(document) == "":
			continue
		case strings.Contains(document, "\nkind: ClusterRole\n"):
			into = &ofCluster
		}
		if err := yaml.UnmarshalStrict([]byte(document), into); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		granted []permissions
		want    []rbacv1.PolicyRule
	}{
		"permissions":        {strategy.Spec.Permissions, ofNamespace.Rules},
		"clusterPermissions": {strategy.Spec.ClusterPermissions, ofCluster.Rules},
	} {
		want := []permissions{{ServiceAccountName: deployment.Spec.Template.Spec.ServiceAccountName, Rules: test.want}}
		if difference := cmp.Diff(want, test.granted); difference != "" || len(test.want) == 0 {
			t.Errorf("%s (-config/rbac +bundle):\n%s", name, difference)
		}
	}
}

// TestSecretsOfOthersStaySecret, in what OLM makes of the rights.
func TestSecretsOfOthersStaySecret(t *testing.T) {
	for namespace, want := range map[string]bool{lab.OperatorNamespace: true, "default": false, "": false} {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User:               "system:serviceaccount:" + lab.OperatorNamespace + ":nft-operator",
			ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets", Namespace: namespace},
		}}
		if err := api.Create(t.Context(), review); err != nil {
			t.Fatal(err)
		}
		if review.Status.Allowed != want {
			t.Errorf("Secrets of %q: allowed is %v", namespace, review.Status.Allowed)
		}
	}
}
