package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

func TestALocalChainThatDropsAllLeavesTheWayIn(t *testing.T) {
	s := openShop(t)
	must(t, the.net.Via(the.net.Gateways[0]))
	serve(t, "tcp 203.0.113.133:80")
	s.service("web", []string{"203.0.113.133"})
	s.awaitOpen("web")
	editLocalChain(t, "chain local-chain {\n\tdrop\n}\n")
	condition := awaitHost(t, edge, "gw1", v1alpha1.ConditionDegraded, metav1.ConditionTrue, "LocalChainDropsAll")
	if !strings.Contains(condition.Message, localChainFile) {
		t.Errorf("the message does not name the file: %s", condition.Message)
	}
	assertClosed(t, the.net.Client.Primary.IPv4, "tcp 203.0.113.133:80")
	assertWayIn(t, the.net.Gateways[0].Box)

	editLocalChain(t, "chain local-chain {\n}\n")
	awaitHost(t, edge, "gw1", v1alpha1.ConditionDegraded, metav1.ConditionFalse, "AsIntended")
	assertOpen(t, the.net.Client.Primary.IPv4, "tcp 203.0.113.133:80")
}

// TestASpecThatClosesSSHIsTakenBack names the cluster side as public and no
// management networks. The first gateway tries it and takes it back; the second
// is spared; Services go on, and a sound spec ends it.
func TestASpecThatClosesSSHIsTakenBack(t *testing.T) {
	s := openShop(t)
	awaitGateway(t, edge)
	must(t, the.net.Via(the.net.Gateways[0]))
	for _, address := range []string{"203.0.113.134", "203.0.113.135"} {
		serve(t, "tcp "+address+":80")
	}
	s.service("web", []string{"203.0.113.134"})
	s.awaitOpen("web")
	before := metric(t, "nft_operator_host_rollbacks_total", `host="edge.gw1"`)
	editEdge(t, func(g *v1alpha1.NftGateway) {
		g.Spec.PublicInterfaces = []v1alpha1.InterfaceName{lab.ClusterInterface}
		g.Spec.Firewall.ManagementCIDRs = nil
		g.Spec.Rollout.ConfirmTimeout = &metav1.Duration{Duration: shortConfirm}
	})
	awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "NotConfirmed")
	awaitHost(t, edge, "gw2", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolloutStopped")
	condition := awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolledBack")
	for _, says := range []string{"managementCIDRs", "publicInterfaces"} {
		if !strings.Contains(condition.Message, says) {
			t.Errorf("the message does not say %q: %s", says, condition.Message)
		}
	}
	awaitEvent(t, "edge.gw1", "RolledBack", "took it back")
	for _, gateway := range the.net.Gateways {
		assertWayIn(t, gateway.Box)
	}
	assertOpen(t, the.net.Client.Primary.IPv4, "tcp 203.0.113.134:80")
	s.service("late", []string{"203.0.113.135"})
	s.awaitOpen("late")
	assertOpen(t, the.net.Client.Primary.IPv4, "tcp 203.0.113.135:80")
	if got := metric(t, "nft_operator_host_rollbacks_total", `host="edge.gw1"`) - before; got != 1 {
		t.Errorf("the metric counts %v rollbacks", got)
	}

	updateEdge(t, func(g *v1alpha1.NftGateway) {
		g.Spec.PublicInterfaces = lab.NewEdge(edge).Spec.PublicInterfaces
	})
	awaitGateway(t, edge)
	awaitHost(t, edge, "gw1", v1alpha1.ConditionDegraded, metav1.ConditionFalse, "AsIntended")
}

func TestARenamedInterfaceLeavesTheWayIn(t *testing.T) {
	const name = "renamed"
	box, err := the.net.NewBox(name)
	must(t, err)
	t.Cleanup(func() { _ = box.Close() })
	run := func(command string) {
		if output, err := box.Exec(strings.Fields(command)...); err != nil {
			t.Fatal(command, err, output)
		}
	}
	run("ip link add wan0 type veth peer name wan0-peer")
	gateway := gatewayOfBox(t, name, box)
	gateway.Spec.PublicInterfaces = []v1alpha1.InterfaceName{"wan0"}
	gateway.Spec.Firewall.ManagementCIDRs = nil
	createGateway(t, gateway)
	awaitGateway(t, name)

	run("ip link set wan0 name wan1")
	checkNow(t, name)
	condition := awaitHost(t, name, "box", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "InterfaceNotFound")
	if !strings.Contains(condition.Message, "wan0") {
		t.Errorf("the message does not name the interface: %s", condition.Message)
	}
	awaitHost(t, name, "box", v1alpha1.ConditionReachable, metav1.ConditionTrue, "LoggedIn")
	assertWayIn(t, box)

	run("ip link set wan1 name wan0")
	checkNow(t, name)
	awaitGateway(t, name)
}

// awaitEvent waits for an Event of an NftGatewayHost.
func awaitEvent(t *testing.T, host, reason, says string) {
	t.Helper()
	await(t, fmt.Sprintf("an Event %s of %s", reason, host), func() error {
		output, err := the.kube.Kubectl(context.Background(), "-n", lab.OperatorNamespace, "get", "events",
			"--field-selector", "involvedObject.name="+host+",reason="+reason, "-o", "custom-columns=:.message")
		if err == nil && !strings.Contains(output, says) {
			err = fmt.Errorf("none says %q: %s", says, output)
		}
		return err
	})
}
