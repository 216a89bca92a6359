package vm_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/internal/plan"
	"github.com/nft-operator/nft-operator/test/lab"
)

// gateway is a machine on the way between client and node, and the NftGateway
// that it is to enforce. A test changes the spec and applies it.
type gateway struct {
	*lab.Machine
	net      *lab.Topology
	spec     v1alpha1.NftGatewaySpec
	services []corev1.Service
	sequence int64 // of the latest run
}

const hostName = "gw1"

// newGateway boots a machine with Debian's own nftables.conf.
func newGateway(t *testing.T) *gateway {
	t.Helper()
	net, err := lab.NewTopology(lab.Layout{})
	must(t, err)
	t.Cleanup(func() { must(t, net.Close()) })
	machine, err := net.NewMachine()
	must(t, err)
	t.Cleanup(func() {
		tellOfFailure(t, machine)
		must(t, machine.Close())
	})
	must(t, net.Via(machine))
	return &gateway{Machine: machine, net: net, spec: specOf(machine), services: []corev1.Service{web}}
}

// tellOfFailure logs what the machine has to say where a test failed.
func tellOfFailure(t *testing.T, machine *lab.Machine) {
	if !t.Failed() {
		return
	}
	journal, err := machine.Exec("journalctl", "--boot", "--no-pager", "--lines=300", "--output=short-monotonic")
	t.Logf("the machine's console:\n%s\nthe end of its journal (%v):\n%s", machine.Console(), err, journal)
}

func specOf(machine *lab.Machine) v1alpha1.NftGatewaySpec {
	spec := v1alpha1.NftGatewaySpec{
		Hosts:            []v1alpha1.GatewayHost{{Name: hostName, Address: v1alpha1.HostAddress(machine.Cluster.IPv4.String())}},
		PublicInterfaces: []v1alpha1.InterfaceName{lab.PublicInterface},
		SSH:              v1alpha1.SSH{User: lab.User},
	}
	for _, network := range lab.LoadBalancerNetworks {
		spec.Services.AllowedCIDRs = append(spec.Services.AllowedCIDRs, v1alpha1.CIDR(network.String()))
	}
	return spec
}

// run is what the operator would run for the spec and the Services.
func (g *gateway) run(t *testing.T) ansible.Run {
	t.Helper()
	object := &v1alpha1.NftGateway{ObjectMeta: metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: "edge"}, Spec: g.spec}
	planned, err := plan.ForGateway(object, g.services, nil)
	must(t, err)
	host, err := planned.ForHost(&g.spec, g.spec.Hosts[0])
	must(t, err)
	key, err := ansible.ParsePrivateKey(g.net.Key.Private)
	must(t, err)
	known, err := ansible.ParseKnownHosts(g.KnownHostsLine())
	must(t, err)
	vars := ansible.VarsOf(planned)
	target := ansible.Target{
		Name: host.Name, Address: string(g.spec.Hosts[0].Address), Port: host.SSHPort, SSHDPort: host.SSHDPort,
		User: string(g.spec.SSH.User), PublicInterfaces: host.PublicInterfaces,
	}
	target.Revision, target.Structure = ansible.Revision(vars.Digest(), target), ansible.Revision(vars.StructureDigest(), target)
	g.sequence++
	return ansible.Run{
		Playbook: filepath.Join(runner.ProjectDir, "playbooks", "apply.yml"),
		Targets:  []ansible.Target{target},
		Access:   ansible.Access{PrivateKey: key, KnownHosts: known, Become: true, ConnectTimeoutSeconds: 10},
		Vars:     vars,
		// Far more than a real host needs.
		ConfirmTimeoutSeconds: 120,

		Fence: &ansible.Fence{Epoch: 1, Sequence: g.sequence},
	}
}

// attempt runs the playbook once and returns what the host answered.
func (g *gateway) attempt(t *testing.T, run ansible.Run) ansible.Report {
	t.Helper()
	reports, err := runner.Run(context.Background(), run)
	must(t, err)
	report, answered := reports[hostName]
	if !answered {
		t.Fatalf("the run reported on other hosts only: %+v", reports)
	}
	return report
}

// apply brings the machine to spec and Services and demands that it succeeds.
func (g *gateway) apply(t *testing.T) ansible.Outcome {
	t.Helper()
	run := g.run(t)
	report := g.attempt(t, run)
	if report.Reason != "" || report.Outcome.Revision != run.Targets[0].Revision {
		t.Fatalf("apply: %s: %s; revision %s, want %s", report.Reason, report.Message, report.Outcome.Revision, run.Targets[0].Revision)
	}
	return report.Outcome
}

// eventually waits until something is so. It asks rarely: to be asked costs the
// machine time.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !so(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
