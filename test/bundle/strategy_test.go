package bundle

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/test/lab"
)

// installStrategy is spec.install of a ClusterServiceVersion, as far as this
// bundle uses it. Other fields are errors.
type installStrategy struct {
	Strategy string `json:"strategy"`
	Spec     struct {
		ClusterPermissions []permissions `json:"clusterPermissions"`
		Permissions        []permissions `json:"permissions"`
		Deployments        []struct {
			Name  string                `json:"name"`
			Label map[string]string     `json:"label"`
			Spec  appsv1.DeploymentSpec `json:"spec"`
		} `json:"deployments"`
	} `json:"spec"`
}

type permissions struct {
	ServiceAccountName string              `json:"serviceAccountName"`
	Rules              []rbacv1.PolicyRule `json:"rules"`
}

// objects are those that OLM makes of it for an OperatorGroup of the operator's
// own namespace.
func (s installStrategy) objects() []client.Object {
	var accounts []string
	var made []client.Object
	for _, granted := range s.Spec.Permissions {
		accounts = append(accounts, granted.ServiceAccountName)
		meta := metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: "olm-" + granted.ServiceAccountName}
		made = append(made,
			&rbacv1.Role{ObjectMeta: meta, Rules: granted.Rules},
			&rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: reference("Role", meta.Name), Subjects: granted.subjects()})
	}
	for _, granted := range s.Spec.ClusterPermissions {
		accounts = append(accounts, granted.ServiceAccountName)
		meta := metav1.ObjectMeta{Name: "olm-" + granted.ServiceAccountName}
		made = append(made,
			&rbacv1.ClusterRole{ObjectMeta: meta, Rules: granted.Rules},
			&rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: reference("ClusterRole", meta.Name), Subjects: granted.subjects()})
	}
	slices.Sort(accounts)
	for _, account := range slices.Compact(accounts) {
		made = append(made, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: account}})
	}
	for _, wanted := range s.Spec.Deployments {
		made = append(made, &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: wanted.Name, Labels: wanted.Label},
			Spec:       wanted.Spec,
		})
	}
	return made
}

func (p permissions) subjects() []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: lab.OperatorNamespace, Name: p.ServiceAccountName}}
}

func reference(kind, name string) rbacv1.RoleRef {
	return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}
}
