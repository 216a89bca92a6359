package api

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// TestColumns: kubectl get by the short names shows what a person asks first.
func TestColumns(t *testing.T) {
	var gateway v1alpha1.NftGateway
	if err := yaml.UnmarshalStrict([]byte(least), &gateway); err != nil {
		t.Fatal(err)
	}
	gateway.Name = "columns"
	create(t, &gateway)
	gateway.Status = v1alpha1.NftGatewayStatus{
		Hosts: "1/2", OpenServices: 7, RefusedServices: 3,
		Conditions: []metav1.Condition{condition("Accepted", "True", "Accepted"), condition("Programmed", "False", "HostNotProgrammed")},
	}
	writeStatus(t, &gateway)

	host := v1alpha1.NftGatewayHost{ObjectMeta: metav1.ObjectMeta{Namespace: gateway.Namespace, Name: "columns.gw1"}}
	create(t, &host)
	now := metav1.Now()
	host.Status = v1alpha1.NftGatewayHostStatus{
		Address: "192.0.2.1:22", OpenServices: 7, LastChangeTime: &now,
		Versions: &v1alpha1.Versions{Nft: "1.0.6", Kernel: "6.1.0"},
		Conditions: []metav1.Condition{
			condition("Reachable", "True", "LoggedIn"), condition("Programmed", "False", "SudoRefused"), condition("Degraded", "Unknown", "Unknown"),
		},
	}
	writeStatus(t, &host)

	for _, test := range []struct {
		arguments string
		want      []string
	}{
		{"nftgw columns", []string{"NAME ACCEPTED PROGRAMMED HOSTS OPEN REFUSED AGE", "columns True False 1/2 7 3 "}},
		{"nftgw columns -o wide", []string{"NAME ACCEPTED PROGRAMMED HOSTS OPEN REFUSED REASON AGE", "columns True False 1/2 7 3 HostNotProgrammed "}},
		{"nftgwh columns.gw1", []string{"NAME ADDRESS REACHABLE PROGRAMMED DEGRADED OPEN REASON APPLIED", "columns.gw1 192.0.2.1:22 True False Unknown 7 SudoRefused "}},
		{"nftgwh columns.gw1 -o wide", []string{"APPLIED NFT KERNEL MESSAGE", "1.0.6 6.1.0 said for a test"}},
		{"nft-operator", []string{"nftgateway.nft-operator.io/columns", "nftgatewayhost.nft-operator.io/columns.gw1"}},
	} {
		output, err := kube.Kubectl(t.Context(), append([]string{"get", "--namespace", lab.OperatorNamespace}, strings.Fields(test.arguments)...)...)
		if err != nil {
			t.Error(err)
		}
		for _, want := range test.want {
			if !strings.Contains(strings.Join(strings.Fields(output), " "), want) {
				t.Errorf("kubectl get %s does not show %q:\n%s", test.arguments, want, output)
			}
		}
	}
}

func condition(kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: "said for a test", LastTransitionTime: metav1.Now()}
}

func create(t *testing.T, object client.Object) {
	t.Helper()
	if err := api.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

func writeStatus(t *testing.T, object client.Object) {
	t.Helper()
	if err := api.Status().Update(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}
