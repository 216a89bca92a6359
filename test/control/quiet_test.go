package control

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// TestNothingIsWrittenWhileNothingChanges but the time of each check, once a
// period and host.
func TestNothingIsWrittenWhileNothingChanges(t *testing.T) {
	const period = 2 * time.Second
	s := openEdge(t, "gw1", "gw2")
	operator := startOperator(t, withPeriod(period))
	s.service("open", []string{"203.0.113.10"})
	s.service("refused", []string{"192.0.2.99"})
	s.awaitOpen("open", "2 of 2 gateway hosts")
	s.awaitClosed("refused", "AddressNotAllowed")
	awaitProgrammed(t, edge)
	awaitChecks(t, operator, 1)

	before := len(operator.wire.writes())
	checks := awaitChecks(t, operator, 3)
	written := operator.wire.writes()[before:]
	if underWay := 2; len(written) > checks+underWay { // each host's last write may be of a check before
		t.Errorf("%d checks were %d writes: %q", checks, len(written), written)
	}
	for _, line := range written {
		if line != statusPath("gw1") && line != statusPath("gw2") {
			t.Errorf("it wrote: %s", line)
		}
	}
}

func statusPath(host string) string {
	return fmt.Sprintf("PATCH /apis/nft-operator.io/v1alpha1/namespaces/%s/nftgatewayhosts/%s.%s/status", lab.OperatorNamespace, edge, host)
}

// awaitChecks waits until each host was checked so many times more, and returns
// the number of checks.
func awaitChecks(t *testing.T, operator *operator, more int) int {
	t.Helper()
	before := map[string]int{"gw1": operator.runner.count("gw1"), "gw2": operator.runner.count("gw2")}
	checks := 0
	await(t, fmt.Sprintf("%d checks more", more), func() error {
		checks = 0
		for host, count := range before {
			checks += operator.runner.count(host) - count
			if operator.runner.count(host) < count+more {
				return fmt.Errorf("%s had %d runs, now %d", host, count, operator.runner.count(host))
			}
		}
		return nil
	})
	return checks
}

// TestALostWriteIsMadeUpFor: what the API server did not take is written again,
// without another run.
func TestALostWriteIsMadeUpFor(t *testing.T) {
	for _, path := range []string{"/nftgatewayhosts/edge.gw1/status", "/nftgateways/edge/status", "/services/web/status", "/nftgatewayhosts"} {
		t.Run(path, func(t *testing.T) {
			s := openEdge(t, "gw1")
			operator := startOperator(t, withLoss(path))
			s.service("web", []string{"203.0.113.10"})
			s.awaitOpen("web", "1 of 1 gateway hosts")
			awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, "True", "Programmed")
			awaitProgrammed(t, edge)
			if !operator.wire.lost() {
				t.Error("nothing was lost")
			}
			if runs := operator.runner.count("gw1"); runs > 2 {
				t.Errorf("%d runs", runs)
			}
		})
	}
}

// TestAStatusThatTurnsBackIsTold, though the cache has not seen that it turned:
// gw2, which is stopped, waits for a moment and is stopped again.
func TestAStatusThatTurnsBackIsTold(t *testing.T) {
	s := openShop(t)
	create(t, secret())
	gateway := s.gateway(edge, "gw1", "gw2")
	gateway.Spec.Rollout.ConfirmTimeout = &metav1.Duration{Duration: confirmTimeout}
	createGateway(t, gateway)
	operator := startOperator(t, withSlowWatch("/nftgatewayhosts", time.Second))
	operator.runner.boxes.on("gw1", func(host *box) { host.cutOff = true })
	awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolledBack")
	awaitHost(t, edge, "gw2", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolloutStopped")
	time.Sleep(3 * time.Second) // until the cache has seen all of that

	operator.runner.on("gw1", operator.runner.succeedAfter(300*time.Millisecond))
	askAgain(t, "1")
	awaitHost(t, edge, "gw2", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolloutWaiting")
	awaitHost(t, edge, "gw2", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RolloutStopped")
}
