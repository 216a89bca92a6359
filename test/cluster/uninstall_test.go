package cluster

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// TestUninstalling leaves nothing on the gateways or in the cluster.
func TestUninstalling(t *testing.T) {
	installed(t)
	serve(t, "last", "203.0.113.40", "tcp/80")
	uninstall(t)
	wantNothingLeft(t)
}

// uninstall does what docs/install.md says.
func uninstall(t *testing.T) {
	t.Helper()
	giveBackGateways(t)
	kubectl(t, "delete", "--filename", *install, "--timeout", patience.String())
}

// giveBackGateways has the operator take off the gateways what it brought there.
func giveBackGateways(t *testing.T) {
	t.Helper()
	kubectl(t, namespaced("patch", "nftgateway/"+edge, "--type=merge", "--patch", `{"spec": {"deletionPolicy": "Remove"}}`)...)
	awaitEdge(t)
	kubectl(t, namespaced("delete", "nftgateway", "--all", "--timeout", patience.String())...)
}

func wantNothingLeft(t *testing.T) {
	t.Helper()
	for _, gateway := range the.net.Gateways {
		tables, err := gateway.Exec("nft", "list", "tables")
		must(t, err)
		if strings.Contains(tables, "nft_operator") {
			t.Errorf("%s still has:\n%s", gateway.Name, tables)
		}
	}
	await(t, "nothing is left in the cluster", func(ctx context.Context) error { // the garbage collector may be at work
		left, err := the.kube.Kubectl(ctx, "get", "namespaces,crd,clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings", "--output", "name")
		if err == nil && strings.Contains(left, "nft-operator") {
			err = fmt.Errorf("there are still:\n%s", left)
		}
		return err
	})
}
