package prepare_test

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/nft-operator/nft-operator/test/lab"
	"github.com/nft-operator/nft-operator/test/lab/apply"
)

// newGateway boots a gateway whose account has the key and the rule that the
// role writes, and nothing else.
func newGateway(t *testing.T) (*lab.Topology, *lab.Gateway) {
	t.Helper()
	topology, err := lab.NewTopology(lab.Layout{Gateways: 1})
	must(t, err)
	t.Cleanup(func() { must(t, topology.Close()) })
	gateway := topology.Gateways[0]
	rendered := render(t, "plain")
	const theirs = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBcrzMtkFTgHrQjRmM2oUqDsJ1j4BAfgOtwUfdxBpzh6 operator"
	keys := strings.Replace(rendered["authorized_keys"], theirs, topology.Key.Public, 1)
	must(t, gateway.ReplaceFile("/home/"+lab.User+"/.ssh/authorized_keys", []byte(keys), 0o644))
	must(t, gateway.ReplaceFile("/etc/sudoers.d/"+lab.User, []byte(rendered["sudoers"]), 0o440))
	return topology, gateway
}

func TestTheOperatorWorksUnderTheRuleForSudo(t *testing.T) {
	topology, gateway := newGateway(t)
	runner, err := apply.OpenRunner(2 * time.Minute)
	must(t, err)
	web := corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Protocol: corev1.ProtocolTCP, Port: 443}}}}
	web.Namespace, web.Name = "shop", "web"
	web.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "203.0.113.10"}}
	run, err := apply.RunOf(runner, gateway, topology.Key, apply.SpecOf(gateway), []corev1.Service{web})
	must(t, err)

	for _, step := range []struct {
		name     string
		playbook string
		dry      bool
		action   string
	}{
		{"dry run", "apply.yml", true, "created"},
		{"apply, and confirm over a new connection", "apply.yml", false, "created"},
		{"nothing to do", "apply.yml", false, "none"},
		{"remove", "remove.yml", false, ""},
	} {
		run.Check = step.dry
		run.Playbook = repository(t, "playbooks", step.playbook)
		reports, err := runner.Run(context.Background(), run)
		must(t, err)
		if got := reports[apply.HostName]; got.Reason != "" || got.Outcome.Action != step.action {
			t.Fatalf("%s: %s: %s; action %q, want %q", step.name, got.Reason, got.Message, got.Outcome.Action, step.action)
		}
	}
}

// letters stands for the 32 random ones.
const letters = "abcdefghijklmnopqrstuvwxyzabcdef"

func TestTheRuleForSudoAllowsNothingElse(t *testing.T) {
	_, gateway := newGateway(t)
	become := func(shell, command string) error {
		_, err := gateway.Exec("setpriv", "--reuid="+lab.User, "--regid="+lab.User, "--clear-groups", "sudo", "-H", "-S", "-n", "-u", "root", shell, "-c", command)
		return err
	}
	must(t, become("/bin/sh", "echo BECOME-SUCCESS-"+letters+" ; /usr/bin/python3"))
	for _, command := range []string{
		"id",
		"/usr/bin/python3",
		"echo BECOME-SUCCESS-" + letters + " ; /usr/bin/python3 -c 'print(1)'",
		"echo BECOME-SUCCESS-" + letters + " ; id ; /usr/bin/python3",
		"echo BECOME-SUCCESS-" + letters + " ; /usr/bin/python3 ; id",
		"echo BECOME-SUCCESS-" + letters[1:] + " ; /usr/bin/python3",
		"echo BECOME-SUCCESS-" + letters[1:] + ";id;a ; /usr/bin/python3",
		"echo BECOME-SUCCESS-" + strings.ToUpper(letters) + " ; /usr/bin/python3",
		"echo BECOME-SUCCESS-" + letters + " ; /usr/bin/python3.11",
	} {
		if become("/bin/sh", command) == nil {
			t.Errorf("allowed: %s", command)
		}
	}
	if become("/bin/bash", "echo BECOME-SUCCESS-"+letters+" ; /usr/bin/python3") == nil {
		t.Error("another shell is allowed")
	}
}
