package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/test/lab"
)

func TestTablesOfOthersAreNotTouched(t *testing.T) {
	s := openShop(t)
	gateway := the.net.Gateways[0]
	const theirs = `table ip somebody {
	set banned { type ipv4_addr; elements = { 198.51.100.99 }; }
	chain forward {
		type filter hook forward priority -10; policy accept;
		ip saddr @banned counter drop
	}
}
table inet another {
	chain nothing {
		counter
	}
}
`
	if err := gateway.Nft(theirs); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gateway.Nft("delete table ip somebody\ndelete table inet another\n") })
	listing := func() string {
		one, err1 := gateway.Exec("nft", "-a", "list", "table", "ip", "somebody")
		two, err2 := gateway.Exec("nft", "-a", "list", "table", "inet", "another")
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		return one + two
	}
	before := listing()
	s.service("web", []string{"203.0.113.60"})
	s.awaitOpen("web")
	// A whole replacement of our own table too.
	if err := gateway.Nft("delete table inet nft_operator\n"); err != nil {
		t.Fatal(err)
	}
	checkNow(t, edge)
	await(t, "our table to be there again", func() error {
		_, err := gateway.Exec("nft", "list", "table", "inet", "nft_operator")
		return err
	})
	s.service("more", []string{"203.0.113.61"})
	s.awaitOpen("more")
	if after := listing(); after != before {
		t.Errorf("tables of others were\n%s\nand are\n%s", before, after)
	}
}

// TestADryRunByHandShowsAndChangesNothing follows the README: export, then
// plain ansible-playbook.
func TestADryRunByHandShowsAndChangesNothing(t *testing.T) {
	s := openShop(t)
	s.service("web", []string{"203.0.113.62"})
	s.awaitOpen("web")
	if err := the.operator.Stop(); err != nil { // so that only the dry run could change anything
		t.Fatal(err)
	}
	t.Cleanup(func() { startOperator(t) })
	s.service("new", []string{"203.0.113.63"}, withPorts("tcp/4430"))
	plugin, err := lab.BuildProgram("kubectl-nftgateway")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "edge")
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, the.net.Key.Private, 0o600); err != nil {
		t.Fatal(err)
	}
	export := exec.Command(plugin, "export", edge, "-n", lab.OperatorNamespace, "--kubeconfig", the.kube.Kubeconfig, "--to", dir, "--identity", key)
	if output, err := export.CombinedOutput(); err != nil {
		t.Fatalf("export: %v\n%s", err, output)
	}
	assertNoKey(t, dir)

	before := stateOf(t)
	output := dryRun(t, dir)
	for _, line := range []string{"+\t\t\t203.0.113.63 . tcp . 4430 comment \"" + s.name + "/new\",", "changed=1"} {
		if strings.Count(output, line) != len(the.net.Gateways) {
			t.Errorf("the dry run should show %q for each gateway:\n%s", line, output)
		}
	}
	if after := stateOf(t); after != before {
		t.Errorf("the dry run changed something: it was\n%s\nand is\n%s", before, after)
	}
}

func dryRun(t *testing.T, dir string) string {
	t.Helper()
	playbook := exec.Command("ansible-playbook", "-i", filepath.Join(dir, "inventory.yml"), "-e", "@"+filepath.Join(dir, "vars.json"),
		"playbooks/apply.yml", "--check", "--diff")
	playbook.Dir = filepath.Join("..", "..")
	output, err := playbook.CombinedOutput()
	if err != nil {
		t.Fatalf("dry run: %v\n%s", err, output)
	}
	return string(output)
}

// stateOf is everything on the gateways that a run may change.
func stateOf(t *testing.T) string {
	t.Helper()
	var state strings.Builder
	for _, gateway := range the.net.Gateways {
		for _, command := range [][]string{
			{"nft", "-s", "list", "ruleset"},
			{"sh", "-c", "find /etc/nftables* /etc/nft-operator /var/lib/nft-operator -type f -printf '%p %m %s %T@\n' | sort; find /run /tmp /root /home | sort"},
		} {
			output, err := gateway.Exec(command...)
			if err != nil {
				t.Fatal(err)
			}
			state.WriteString(output)
		}
	}
	return state.String()
}

func assertNoKey(t *testing.T, dir string) {
	t.Helper()
	output, err := exec.Command("grep", "-rl", "PRIVATE KEY", dir).Output()
	if err == nil {
		t.Errorf("a private key was written to %s", output)
	}
}

// startOperator starts the shared operator again after a test stopped it.
func startOperator(t *testing.T, arguments ...string) {
	t.Helper()
	startOperatorWith(t, lab.OperatorOptions{Arguments: arguments})
}

func startOperatorWith(t *testing.T, options lab.OperatorOptions) {
	t.Helper()
	operator, err := the.kube.StartOperatorWith(context.Background(), the.program, options)
	must(t, err)
	the.operator = operator
}
