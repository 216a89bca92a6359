package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestOfTwoOperatorsTheLaterPrevails: the first still believes what Services
// there were when it was cut off. A run of it would close what the second
// opened; the gateways do not let it in, and it ends.
func TestOfTwoOperatorsTheLaterPrevails(t *testing.T) {
	s := openShop(t)
	awaitGateway(t, edge)
	for _, address := range []string{"203.0.113.129", "203.0.113.130"} {
		serve(t, "tcp "+address+":80")
	}
	s.service("old", []string{"203.0.113.129"})
	s.service("leaves", []string{"203.0.113.131"})
	s.awaitOpen("old")
	s.awaitOpen("leaves")
	must(t, the.operator.Stop())
	t.Cleanup(func() { startIfEnded(t) })

	deaf := make(chan struct{})
	startOperatorWith(t, lab.OperatorOptions{Arguments: []string{"--leader-elect=false"}, Server: serveBefore(t, silencing(deaf))})
	first := the.operator
	awaitRunOnAll(t, first)
	close(deaf)
	second, err := the.kube.StartOperator(context.Background(), the.program, "--leader-elect=false")
	must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("the second operator's log:\n" + tailOf(second.Log(), 20))
		}
		must(t, second.Stop())
	})
	s.remove("leaves")
	s.service("new", []string{"203.0.113.130"})
	awaitOpenOnAll(t, "203.0.113.130:80")
	vigil := keepVigil(t, "203.0.113.129:80", "203.0.113.130:80")

	checkNow(t, edge) // which both are told
	select {
	case <-first.Ended():
	case <-time.After(awaitPatience):
		t.Fatalf("the first operator goes on:\n%s", tailOf(first.Log(), 10))
	}
	if !strings.Contains(first.Log(), "superseded") {
		t.Errorf("the first operator does not say why it ended:\n%s", tailOf(first.Log(), 10))
	}
	the.operator = second
	s.awaitOpen("new")
	s.service("later", []string{"203.0.113.132"})
	s.awaitOpen("later")
	awaitGateway(t, edge)
	vigil.end()
	for _, gateway := range the.net.Gateways {
		assertHolds(t, gateway, map[string]bool{
			elementOf("203.0.113.129:80"): true, elementOf("203.0.113.130:80"): true, elementOf("203.0.113.132:80"): true,
		})
	}
}

// silencing keeps back, from when it is closed, what a watch of Services tells.
func silencing(deaf <-chan struct{}) intercept {
	return func(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
		if !aboutServices(r) {
			return w
		}
		return &silencedWriter{w, r.Context(), deaf}
	}
}

type silencedWriter struct {
	http.ResponseWriter
	request context.Context
	deaf    <-chan struct{}
}

func (s *silencedWriter) Write(p []byte) (int, error) {
	select {
	case <-s.deaf:
		<-s.request.Done()
		return 0, s.request.Err()
	default:
		return s.ResponseWriter.Write(p)
	}
}

// Unwrap lets the proxy flush.
func (s *silencedWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// awaitRunOnAll waits until the operator has been on both gateways.
func awaitRunOnAll(t *testing.T, operator *lab.Operator) {
	t.Helper()
	for _, gateway := range the.net.Gateways {
		host := edge + "." + gateway.Name
		await(t, "a run on "+host, func() error {
			done, err := operator.Metric("nft_operator_runs_total", fmt.Sprintf("host=%q", host), `reason=""`)
			if err == nil && done == 0 {
				err = errors.New("there was none")
			}
			return err
		})
	}
}

// awaitOpenOnAll asks the kernels, where conditions are not to be trusted.
func awaitOpenOnAll(t *testing.T, door string) {
	t.Helper()
	for _, gateway := range the.net.Gateways {
		await(t, gateway.Name+" to open "+door, func() error {
			if !doorIsIn(t, gateway, door) {
				return errors.New("it is closed")
			}
			return nil
		})
	}
}
