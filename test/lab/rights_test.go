package lab

import (
	"context"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// TestCallsAreComparedWithTheShippedRights makes calls as the operator, of which
// one is within its rights, one is refused, and one is allowed by a right that
// is not shipped.
func TestCallsAreComparedWithTheShippedRights(t *testing.T) {
	plane := controlPlane(t)
	ctx := t.Context()
	if err := plane.InstallOperator(ctx); err != nil {
		t.Fatal(err)
	}
	admin, err := kubernetes.NewForConfig(plane.Config)
	if err != nil {
		t.Fatal(err)
	}
	token, err := plane.OperatorToken(ctx)
	if err != nil {
		t.Fatal(err)
	}
	login := rest.AnonymousClientConfig(plane.Config)
	login.BearerToken = token
	operator, err := kubernetes.NewForConfig(login)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := operator.CoreV1().Services("").List(ctx, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := operator.CoreV1().Secrets("default").Get(ctx, "key", metav1.GetOptions{}); !apierrors.IsForbidden(err) {
		t.Fatalf("reading a Secret elsewhere: %v", err)
	}
	tooMuch := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "too-much"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: OperatorNamespace, Name: operatorAccount}},
	}
	if _, err := admin.RbacV1().ClusterRoleBindings().Create(ctx, tooMuch, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = admin.RbacV1().ClusterRoleBindings().Delete(context.Background(), tooMuch.Name, metav1.DeleteOptions{})
	})
	// The API server learns of it a moment later; until then the call is refused.
	if err := await(kubeTimeout, func() error {
		_, err := operator.CoreV1().ConfigMaps(OperatorNamespace).List(ctx, metav1.ListOptions{})
		return err
	}); err != nil {
		t.Fatal(err)
	}

	shipped, err := ShippedRights()
	if err != nil {
		t.Fatal(err)
	}
	calls, err := plane.OperatorCalls()
	if err != nil {
		t.Fatal(err)
	}
	wrong, unused := CompareRights(shipped, calls)
	has := func(right Right, refused bool) bool {
		return slices.ContainsFunc(wrong, func(call APICall) bool { return call.Right == right && (call.Refused != "") == refused })
	}
	if !has(Right{"get", "", "secrets", true}, true) {
		t.Errorf("the call that was refused is not among %v", wrong)
	}
	if !has(Right{"list", "", "configmaps", false}, false) {
		t.Errorf("the call that something else allowed is not among %v", wrong)
	}
	if !slices.Contains(unused, Right{"patch", "", "services/status", true}) {
		t.Errorf("a right that nobody used is not among %v", unused)
	}
	services := Right{"list", "", "services", true}
	if !slices.Contains(shipped, services) || slices.Contains(unused, services) || has(services, false) {
		t.Errorf("%s was used; wrong are %v, unused %v", services, wrong, unused)
	}
}

func TestARightInTheClusterIsNotUsedInTheOwnNamespace(t *testing.T) {
	inCluster, inOwn := Right{"get", "", "services", true}, Right{"get", "", "services", false}
	calls := []APICall{{Right: inOwn, Namespace: OperatorNamespace}}
	if wrong, unused := CompareRights([]Right{inCluster}, calls); len(wrong) > 0 || len(unused) != 1 {
		t.Errorf("wrong %v, unused %v", wrong, unused)
	}
	if wrong, unused := CompareRights([]Right{inOwn}, calls); len(wrong)+len(unused) > 0 {
		t.Errorf("wrong %v, unused %v", wrong, unused)
	}
	if wrong, _ := CompareRights([]Right{inOwn}, []APICall{{Right: inCluster}}); len(wrong) != 1 {
		t.Errorf("wrong %v", wrong)
	}
}
