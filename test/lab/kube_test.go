package lab

import (
	"context"
	"strings"
	"sync"
	"testing"
)

// startOnce starts a control plane that ends with the lab.
var startOnce = sync.OnceValues(StartControlPlane)

func controlPlane(t *testing.T) *ControlPlane {
	t.Helper()
	started, err := startOnce()
	if err != nil {
		t.Fatal(err)
	}
	return started
}

func TestAPIServerServesTheKinds(t *testing.T) {
	plane := controlPlane(t)
	ctx := context.Background()
	kinds := func() {
		t.Helper()
		output, err := plane.Kubectl(ctx, "api-resources", "--api-group=nft-operator.io", "--output=name")
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"nftgateways.nft-operator.io", "nftgatewayhosts.nft-operator.io"} {
			if !strings.Contains(output, kind) {
				t.Errorf("%s is not served: %s", kind, output)
			}
		}
	}
	kinds()
	if err := plane.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	if _, err := plane.Kubectl(ctx, "get", "services"); err == nil {
		t.Error("the API server answers although it was stopped")
	}
	if err := plane.StartAPIServer(); err != nil {
		t.Fatal(err)
	}
	kinds()

	invalid := map[string]any{
		"apiVersion": "nft-operator.io/v1alpha1", "kind": "NftGateway",
		"metadata": map[string]any{"name": "invalid", "namespace": "default", "uid": "d4f1c1f0-0000-4000-8000-000000000001"},
		"spec":     map[string]any{"hosts": []any{}},
	}
	if err := plane.PutInEtcd(ctx, "/registry/nft-operator.io/nftgateways/default/invalid", invalid); err != nil {
		t.Fatal(err)
	}
	if output, err := plane.Kubectl(ctx, "get", "nftgateway", "invalid", "--output=jsonpath={.spec.hosts}"); err != nil || output != "[]" {
		t.Errorf("an object put in etcd came back as %q, %v", output, err)
	}
}
