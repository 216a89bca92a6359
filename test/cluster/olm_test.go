package cluster

import (
	"context"
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestTheBundleRunsThroughOLM, from a catalog, as docs/install.md says: OLM
// unpacks the image of the bundle, creates what lies in it, with the rights, and
// runs the operator. While it has taken the operator away, what is open stays
// open. In the end nothing is left.
func TestTheBundleRunsThroughOLM(t *testing.T) {
	installed(t)
	uninstall(t) // there can be one operator
	olm := startOLM(t)

	kubectl(t, "apply", "--server-side", "--filename", *beforeOLM)
	catalog := serveCatalog(t, olm)
	catalog.subscribe(t)
	wantMadeFor(t, catalog.version)
	takeGateways(t)
	serve(t, "bundled", "203.0.113.50,2001:db8:1b::50", "tcp/80")
	logs := kubectl(t, "--namespace", shop, "logs", "deployment/bundled")
	for _, line := range []string{"tcp/80 from 198.51.100.10\n", "tcp/80 from 2001:db8:c::10\n"} {
		if !strings.Contains(logs, line) {
			t.Errorf("the Pod did not see %q:\n%s", line, logs)
		}
	}

	ended := keepCalling(t, "203.0.113.50:80", "[2001:db8:1b::50]:80")
	unsubscribe(t)
	catalog.subscribe(t)
	serve(t, "again", "203.0.113.51", "tcp/80")
	ended()

	giveBackGateways(t)
	unsubscribe(t)
	kubectl(t, "delete", "crd", "nftgateways.nft-operator.io", "nftgatewayhosts.nft-operator.io", "--timeout", patience.String())
	kubectl(t, "delete", "--filename", *beforeOLM, "--timeout", patience.String())
	wantNothingLeft(t)
}

// wantMadeFor looks for what OLM makes of a version of the operator, by the marks
// that it leaves.
func wantMadeFor(t *testing.T, version string) {
	t.Helper()
	for _, object := range []string{"serviceaccount/nft-operator", "deployment/nft-operator", "service/nft-operator-metrics", "poddisruptionbudget/nft-operator"} {
		owners := kubectl(t, namespaced("get", object, "--output", "jsonpath={.metadata.ownerReferences[*].name}")...)
		if owners != version {
			t.Errorf("%s is owned by %q, want %s", object, owners, version)
		}
	}
	for _, kind := range []string{"role", "rolebinding", "clusterrole", "clusterrolebinding"} {
		found := kubectl(t, namespaced("get", kind, "--selector", "olm.owner="+version, "--output", "name")...)
		if got := len(strings.Fields(found)); got != 1 {
			t.Errorf("%d of kind %s are made, want 1: %s", got, kind, found)
		}
	}
}

// startOLM runs OLM until the test ends.
func startOLM(t *testing.T) *lab.OLM {
	t.Helper()
	olm, err := the.kube.StartOLM(t.Context(), the.node)
	must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			output, _ := the.kube.Kubectl(context.Background(), "get", "catalogsources,subscriptions,installplans,clusterserviceversions,jobs", "--all-namespaces", "--output", "wide")
			t.Logf("%s\n%s", output, olm.Log())
		}
		must(t, olm.Stop())
	})
	return olm
}
