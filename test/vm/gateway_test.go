package vm_test

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
	"github.com/nft-operator/nft-operator/test/lab/apply"
)

// gateway is a machine on the way between client and node, and the NftGateway
// that it is to enforce. A test changes the spec and applies it.
type gateway struct {
	*lab.Machine
	net      *lab.Topology
	login    lab.Key // of the operator
	spec     v1alpha1.NftGatewaySpec
	services []corev1.Service
	sequence int64 // of the latest run
}

// newGateway boots a machine with Debian's own nftables.conf.
func newGateway(t *testing.T) *gateway {
	t.Helper()
	return newGatewayOf(t, (*lab.Topology).NewMachine)
}

func newGatewayOf(t *testing.T, boot func(*lab.Topology) (*lab.Machine, error)) *gateway {
	t.Helper()
	net, err := lab.NewTopology(lab.Layout{})
	must(t, err)
	t.Cleanup(func() { must(t, net.Close()) })
	machine, err := boot(net)
	must(t, err)
	t.Cleanup(func() {
		tellOfFailure(t, machine)
		must(t, machine.Close())
	})
	must(t, net.Via(machine))
	return &gateway{Machine: machine, net: net, login: net.Key, spec: apply.SpecOf(machine), services: []corev1.Service{web}}
}

// tellOfFailure logs what the machine has to say where a test failed.
func tellOfFailure(t *testing.T, machine *lab.Machine) {
	if !t.Failed() {
		return
	}
	journal, err := machine.Exec("journalctl", "--boot", "--no-pager", "--lines=300", "--output=short-monotonic")
	t.Logf("the machine's console:\n%s\nthe end of its journal (%v):\n%s", machine.Console(), err, journal)
}

// run is what the operator would run for the spec and the Services.
func (g *gateway) run(t *testing.T) ansible.Run {
	t.Helper()
	run, err := apply.RunOf(runner, g, g.login, g.spec, g.services)
	must(t, err)
	g.sequence++
	run.Fence = &ansible.Fence{Epoch: 1, Sequence: g.sequence}
	run.ConfirmTimeoutSeconds = 120 // far more than a real host needs
	return run
}

// attempt runs the playbook once and returns what the host answered.
func (g *gateway) attempt(t *testing.T, run ansible.Run) ansible.Report {
	t.Helper()
	reports, err := runner.Run(context.Background(), run)
	must(t, err)
	report, answered := reports[apply.HostName]
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
