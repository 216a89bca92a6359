package cluster

import (
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestUninstalling does what docs/install.md says, and leaves nothing on the
// gateways or in the cluster.
func TestUninstalling(t *testing.T) {
	installed(t)
	serve(t, "last", "203.0.113.40", "tcp/80")
	kubectl(t, "--namespace", lab.OperatorNamespace, "patch", "nftgateway/"+edge, "--type=merge", "--patch", `{"spec": {"deletionPolicy": "Remove"}}`)
	awaitEdge(t)
	kubectl(t, "--namespace", lab.OperatorNamespace, "delete", "nftgateway", "--all", "--timeout", patience.String())
	for _, gateway := range the.net.Gateways {
		tables, err := gateway.Exec("nft", "list", "tables")
		must(t, err)
		if strings.Contains(tables, "nft_operator") {
			t.Errorf("%s still has:\n%s", gateway.Name, tables)
		}
	}
	kubectl(t, "delete", "--filename", *install, "--timeout", patience.String())
	left := kubectl(t, "get", "namespaces,crd,clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings", "--output", "name")
	if strings.Contains(left, "nft-operator") {
		t.Errorf("the cluster still has:\n%s", left)
	}
}
