// Package runner_test runs the real ansible-playbook on gateways of the lab in
// both ways, started and forked from a process that has Ansible loaded, and has
// them answer the same.
package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
	"github.com/nft-operator/nft-operator/test/lab/apply"
)

// started loads Ansible in each run, forked has it loaded.
var started, forked ansible.PlaybookRunner

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{})
	var err error
	if started, err = apply.OpenRunner(time.Minute); err != nil {
		fmt.Fprintln(os.Stderr, "runner:", err)
		os.Exit(1)
	}
	forked = started
	complaints := 0
	forked.Server = ansible.NewServer(forked.WorkDir, forked.ProjectDir, funcr.New(func(_, message string) {
		fmt.Fprintln(os.Stderr, "not forked, or not as fast as it could:", message)
		complaints++
	}, funcr.Options{}))
	status := m.Run()
	forked.Close()
	os.Exit(max(status, min(complaints, 1)))
}

// open builds a topology of as many gateways.
func open(t *testing.T, gateways int) *lab.Topology {
	t.Helper()
	topology, err := lab.NewTopology(lab.Layout{Gateways: gateways})
	must(t, err)
	t.Cleanup(func() { must(t, topology.Close()) })
	return topology
}

// runOf brings all gateways of a topology to the same Services, in one run.
func runOf(t testing.TB, topology *lab.Topology, services []corev1.Service) ansible.Run {
	t.Helper()
	var run ansible.Run
	for i, gateway := range topology.Gateways {
		spec := apply.SpecOf(gateway)
		spec.Hosts[0].Name = gateway.Name
		next, err := apply.RunOf(forked, gateway, topology.Key, spec, services)
		must(t, err)
		if i > 0 {
			next.Targets = append(run.Targets, next.Targets...)
			next.Access.KnownHosts = next.Access.KnownHosts.Join(run.Access.KnownHosts)
		}
		run = next
	}
	return run
}

// services have one opening each.
func services(count int) []corev1.Service {
	made := make([]corev1.Service, count)
	for i := range made {
		made[i] = corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprintf("service-%d", i)},
			Spec: corev1.ServiceSpec{
				Type:  corev1.ServiceTypeLoadBalancer,
				Ports: []corev1.ServicePort{{Name: "web", Protocol: corev1.ProtocolTCP, Port: int32(1000 + i/200)}},
			},
			Status: corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{{IP: fmt.Sprintf("203.0.113.%d", 1+i%200)}}}},
		}
	}
	return made
}

// succeed runs and demands that each host is at its revision then.
func succeed(t testing.TB, runner *ansible.PlaybookRunner, run ansible.Run) map[string]ansible.Report {
	t.Helper()
	reports, err := runner.Run(t.Context(), run)
	must(t, err)
	for _, target := range run.Targets {
		if report := reports[target.Name]; report.Reason != "" || report.Outcome.Revision != target.Revision {
			t.Fatalf("%s: %s: %s; revision %q, want %s", target.Name, report.Reason, report.Message, report.Outcome.Revision, target.Revision)
		}
	}
	return reports
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// playbookOf the repository.
func playbookOf(name string) string { return filepath.Join(forked.ProjectDir, "playbooks", name) }
