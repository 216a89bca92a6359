package e2e

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

const localChainFile = "/etc/nftables.d/local-chain.nft"

// editLocalChain writes the administrator's file on the first gateway, and puts
// the old one back when the test ends.
func editLocalChain(t *testing.T, text string) {
	t.Helper()
	gateway := the.net.Gateways[0]
	before, err := gateway.ReadFile(localChainFile)
	if err != nil {
		t.Fatal(err)
	}
	replace := func(content []byte) {
		if err := gateway.ReplaceFile(localChainFile, content, 0o644); err != nil {
			t.Error(err)
		}
	}
	replace([]byte(text))
	t.Cleanup(func() { replace(before) })
	checkNow(t, edge)
}

func TestAHandWrittenRuleWorksAndSurvives(t *testing.T) {
	s := openShop(t)
	if err := the.net.Via(the.net.Gateways[0]); err != nil {
		t.Fatal(err)
	}
	serve(t, "tcp 203.0.113.50:8443")
	awaitGateway(t, edge)
	const text = "chain local-chain {\n\tip daddr 203.0.113.50 tcp dport 8443 counter accept comment \"by hand\"\n}\n"
	editLocalChain(t, text)
	from := the.net.Client.Primary.IPv4
	await(t, "the hand-written rule to be in force", func() error {
		protocol, to := doorOf("tcp 203.0.113.50:8443")
		return the.net.Client.Knock(protocol, from, to, closedPatience)
	})
	s.service("web", []string{"203.0.113.51"})
	s.awaitOpen("web")
	assertOpen(t, from, "tcp 203.0.113.50:8443")
	if kept, err := the.net.Gateways[0].ReadFile(localChainFile); err != nil || string(kept) != text {
		t.Errorf("local-chain.nft was touched: %q %v", kept, err)
	}
}

func TestABrokenLocalChainHarmsNothingElse(t *testing.T) {
	s := openShop(t)
	if err := the.net.Via(the.net.Gateways[0]); err != nil {
		t.Fatal(err)
	}
	serve(t, "tcp 203.0.113.52:80")
	editLocalChain(t, "chain local-chain {\n\ttcp dport 8443 accept\n\tthis is not a rule\n}\n")
	condition := awaitHost(t, edge, "gw1", v1alpha1.ConditionDegraded, metav1.ConditionTrue, "LocalChainBroken")
	for _, says := range []string{localChainFile, "Line 3", "syntax error"} {
		if !strings.Contains(condition.Message, says) {
			t.Errorf("the message does not say %q: %s", says, condition.Message)
		}
	}
	awaitHost(t, edge, "gw2", v1alpha1.ConditionDegraded, metav1.ConditionFalse, "AsIntended")
	s.service("web", []string{"203.0.113.52"})
	s.awaitOpen("web")
	assertOpen(t, the.net.Client.Primary.IPv4, "tcp 203.0.113.52:80")

	// A reboot loads nftables.conf by itself. It must not trip over the file either.
	if output, err := the.net.Gateways[0].Exec("unshare", "--net", "nft", "-f", "/etc/nftables.conf"); err != nil {
		t.Errorf("the ruleset does not load at boot: %v\n%s", err, output)
	}

	editLocalChain(t, "chain local-chain {\n}\n")
	awaitHost(t, edge, "gw1", v1alpha1.ConditionDegraded, metav1.ConditionFalse, "AsIntended")
}
