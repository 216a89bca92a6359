package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// shortConfirm is the shortest spec.rollout.confirmTimeout.
const shortConfirm = 5 * time.Second

// TestAnOperatorKilledWhileAChangeWaits is killed after a gateway changed its
// rules and before anybody confirmed that. Whoever comes next, in time or late,
// finds a gateway that can be logged in to, and brings it to the intent. In a Pod
// Ansible and ssh die with the operator; outside of one they go on for a moment.
func TestAnOperatorKilledWhileAChangeWaits(t *testing.T) {
	for _, test := range []struct {
		name                   string
		late, outsideOfCluster bool
	}{
		{"Pod in time", false, false},
		{"Pod late", true, false}, // where nobody gets through, it is the same for a program
		{"program in time", false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			late := test.late
			s := openShop(t)
			killable(t, test.outsideOfCluster)
			awaitGateway(t, edge)
			serve(t, "tcp 203.0.113.123:80")
			s.service("web", []string{"203.0.113.123"})
			s.awaitOpen("web")
			vigil := keepVigil(t, "203.0.113.123:80")
			editEdge(t, func(g *v1alpha1.NftGateway) {
				g.Spec.Firewall.EstablishedConnections = v1alpha1.EstablishedTerminate
				g.Spec.Rollout.ConfirmTimeout = confirmWithin(late)
			})
			changed := awaitWaitingChange(t)
			if late { // nobody may come in time
				must(t, changed.StopSSH())
				t.Cleanup(func() { startSSH(t, changed) })
			}
			must(t, the.operator.Kill())
			if late {
				awaitNothingArmed(t)
				if terminates(t, changed) {
					t.Errorf("%s did not take the change back", changed.Name)
				}
				startSSH(t, changed)
			}
			assertWayIn(t, changed)
			again(t)
			awaitGateway(t, edge)
			awaitNothingArmed(t)
			for _, gateway := range the.net.Gateways {
				assertWayIn(t, gateway.Box)
				if !terminates(t, gateway.Box) {
					t.Errorf("%s does not have the new rules", gateway.Name)
				}
			}
			vigil.end()
		})
	}
}

// killable has an operator running that does not wait for the lease of the one
// before, and the usual one after the test.
func killable(t *testing.T, outsideOfCluster bool) {
	t.Helper()
	must(t, the.operator.Stop())
	startOperatorWith(t, lab.OperatorOptions{Arguments: []string{"--leader-elect=false"}, OutsideOfCluster: outsideOfCluster})
	t.Cleanup(func() {
		must(t, the.operator.Stop())
		startOperator(t)
	})
}

// again starts the operator that was killed once more, with what it left in its
// files.
func again(t *testing.T) {
	t.Helper()
	next, err := the.operator.Again()
	must(t, err)
	the.operator = next
	must(t, next.AwaitReady())
}

// confirmWithin is short where nobody shall come in time.
func confirmWithin(late bool) *metav1.Duration {
	if late {
		return &metav1.Duration{Duration: shortConfirm}
	}
	return nil
}

// terminates reports whether the gateway has the rules of
// establishedConnections: Terminate.
func terminates(t *testing.T, box *lab.Box) bool {
	t.Helper()
	ruleset, err := box.Ruleset()
	must(t, err)
	return strings.Contains(ruleset, "ct direction reply")
}

// startIfEnded has the operator running for the next test.
func startIfEnded(t *testing.T) {
	t.Helper()
	select {
	case <-the.operator.Ended():
		startOperator(t)
	default:
	}
}

// awaitWaitingChange finds the gateway on which a change is in force and waits
// to be confirmed. It looks often, because that takes a second at most.
func awaitWaitingChange(t *testing.T) *lab.Box {
	t.Helper()
	deadline := time.Now().Add(awaitPatience)
	for time.Now().Before(deadline) {
		for _, gateway := range the.net.Gateways {
			if holdsOut(gateway.Box) {
				return gateway.Box
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("no change waits to be confirmed")
	return nil
}

// pendingChanges is where a gateway keeps a change that waits.
const pendingChanges = "/run/nft-operator/pending"

// holdsOut reports whether the kernel took a change that is not confirmed yet.
func holdsOut(box *lab.Box) bool {
	tokens, err := box.ReadDir(pendingChanges)
	if err != nil {
		return false
	}
	for _, token := range tokens {
		content, err := box.ReadFile(filepath.Join(pendingChanges, token, "pending.json"))
		var pending struct {
			Answer map[string]any `json:"answer"`
		}
		if err == nil && json.Unmarshal(content, &pending) == nil && pending.Answer != nil {
			return true
		}
	}
	return false
}

// awaitNothingArmed waits until no gateway would take anything back any more.
func awaitNothingArmed(t *testing.T) {
	t.Helper()
	for _, gateway := range the.net.Gateways {
		await(t, "nothing to be armed on "+gateway.Name, func() error { return armed(gateway.Box) })
	}
}

func armed(box *lab.Box) error {
	tokens, err := box.ReadDir(pendingChanges)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(tokens) > 0 {
		return fmt.Errorf("%s: %v waits", box.Name, tokens)
	}
	if output, err := box.Exec("pgrep", "-f", "rollback.py"); err == nil {
		return fmt.Errorf("%s: process %s waits", box.Name, output)
	}
	return nil
}

// TestAnOperatorKilledWithinABurst is killed again and again while Services
// come and go. What was open all the time stays open, and in the end the
// gateways hold exactly what is asked for.
func TestAnOperatorKilledWithinABurst(t *testing.T) {
	const kills, services = 4, 40
	s := openShop(t)
	killable(t, false)
	awaitGateway(t, edge)
	serve(t, "tcp 203.0.113.124:80")
	s.service("web", []string{"203.0.113.124"})
	s.service("leaves", []string{"203.0.113.125"})
	s.awaitOpen("web")
	s.awaitOpen("leaves")
	vigil := keepVigil(t, "203.0.113.124:80")
	for kill := range kills {
		for i := range services / kills {
			number := kill*services/kills + i
			s.service(fmt.Sprintf("s%02d", number), []string{"203.0.113.126"}, withPorts(fmt.Sprintf("tcp/%d", 3000+number)))
		}
		if kill == 1 {
			s.remove("leaves")
		}
		awaitRunUnderWay(t)
		// Each time at another step of the run.
		time.Sleep(time.Duration(kill) * 300 * time.Millisecond)
		must(t, the.operator.Kill())
		if kill == kills/2-1 { // from here on, Ansible and ssh go on for a moment
			startOperatorWith(t, lab.OperatorOptions{Arguments: []string{"--leader-elect=false"}, OutsideOfCluster: true})
		} else {
			again(t)
		}
	}
	want := map[string]bool{elementOf("203.0.113.124:80"): true}
	for i := range services {
		s.awaitOpen(fmt.Sprintf("s%02d", i))
		want[elementOf(fmt.Sprintf("203.0.113.126:%d", 3000+i))] = true
	}
	awaitGateway(t, edge)
	awaitNothingArmed(t)
	vigil.end()
	for _, gateway := range the.net.Gateways {
		assertWayIn(t, gateway.Box)
		assertHolds(t, gateway, want)
	}
}

func awaitRunUnderWay(t *testing.T) {
	t.Helper()
	await(t, "a run to be under way", func() error {
		if runs, _ := os.ReadDir(filepath.Join(the.operator.WorkDir(), "runs")); len(runs) == 0 {
			return errors.New("none")
		}
		return nil
	})
}

// assertHolds fails unless the gateway's kernel opens exactly these.
func assertHolds(t *testing.T, gateway *lab.Gateway, want map[string]bool) {
	t.Helper()
	elements, err := gateway.SetElements("nft_operator", "services4")
	must(t, err)
	got := map[string]bool{}
	for _, element := range elements {
		got[string(element)] = true
		if !want[string(element)] {
			t.Errorf("%s opens %x, which nobody asked for", gateway.Name, element)
		}
	}
	for element := range want {
		if !got[element] {
			t.Errorf("%s does not open %x", gateway.Name, element)
		}
	}
}
