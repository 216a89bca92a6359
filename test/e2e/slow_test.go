package e2e

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// slowness is something on a host that takes far too long.
type slowness struct {
	name     string
	program  string
	makeSlow string // what the program says instead; the real one is beside it
}

var slownesses = []slowness{
	{"slow-nft", "/usr/sbin/nft", "#!/bin/sh\nsleep 60\nexec /usr/sbin/nft.real \"$@\"\n"},
	{"hanging", "/usr/bin/python3", "#!/bin/sh\nexec sleep 3600\n"},
}

// TestAHostThatHangsHoldsNobodyBack: its runs are ended, it is told, and it is
// brought to its intent as soon as it is well again.
func TestAHostThatHangsHoldsNobodyBack(t *testing.T) {
	must(t, the.operator.Stop())
	startOperator(t, "--run-timeout=10s")
	t.Cleanup(func() {
		must(t, the.operator.Stop())
		startOperator(t)
	})
	boxes := map[string]*lab.Box{}
	for _, slow := range slownesses {
		box, err := the.net.NewBox(slow.name)
		must(t, err)
		t.Cleanup(func() { _ = box.Close() })
		boxes[slow.name] = box
		_, err = box.Exec("cp", "--dereference", slow.program, slow.program+".real")
		must(t, err)
		must(t, box.ReplaceFile(slow.program, []byte(slow.makeSlow), 0o755))
		createGateway(t, gatewayOfBox(t, slow.name, box))
	}
	s := openShop(t)
	awaitGateway(t, edge)
	for _, slow := range slownesses {
		await(t, "a run on "+slow.name, func() error { return runsSomething(boxes[slow.name]) })
	}
	started := time.Now()
	s.service("witness", []string{"203.0.113.137"})
	awaitOpenOnAll(t, "203.0.113.137:80")
	t.Logf("with %d hosts that hang, the others were current after %s", len(slownesses), time.Since(started).Round(time.Millisecond))

	for _, slow := range slownesses {
		awaitHost(t, slow.name, "box", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "RunTimeout")
	}
	for _, slow := range slownesses {
		box := boxes[slow.name]
		_, err := box.Exec("mv", slow.program+".real", slow.program)
		must(t, err)
		_, _ = box.Exec("pkill", "sleep")
		checkNow(t, slow.name)
	}
	for _, slow := range slownesses {
		awaitGateway(t, slow.name)
	}
	s.awaitOpen("witness")
}

// runsSomething is an error until something slow runs.
func runsSomething(box *lab.Box) error {
	_, err := box.Exec("pgrep", "sleep")
	return err
}
