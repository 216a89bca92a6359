package e2e

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestAMinuteWithoutTheAPIServer: packets do not notice. The operator may lose
// its lease and end; whoever runs it starts it again.
func TestAMinuteWithoutTheAPIServer(t *testing.T) {
	const outage = time.Minute
	s := openShop(t)
	awaitGateway(t, edge)
	serve(t, "tcp 203.0.113.127:80")
	serve(t, "tcp 203.0.113.128:80")
	s.service("web", []string{"203.0.113.127"})
	s.awaitOpen("web")
	vigil := keepVigil(t, "203.0.113.127:80")
	stream, err := the.net.Client.OpenStream(the.net.Client.Primary.IPv4, netip.MustParseAddrPort("203.0.113.127:80"), openPatience)
	must(t, err)
	deployment := deploy(the.operator)
	t.Cleanup(func() {
		the.operator = deployment.end(t)
		startIfEnded(t)
	})

	began := time.Now()
	must(t, the.kube.StopAPIServer())
	t.Cleanup(func() { _ = the.kube.StartAPIServer() })
	if _, err := the.kube.Kubectl(t.Context(), "get", "--raw", "/readyz"); err == nil {
		t.Fatal("the API server still answers")
	}
	time.Sleep(time.Until(began.Add(outage))) // the fault itself
	must(t, the.kube.StartAPIServer())
	back := time.Now()

	s.service("late", []string{"203.0.113.128"})
	s.awaitOpen("late")
	t.Logf("after an outage of %s, a new Service was open in %s; the operator was started again %d times",
		back.Sub(began).Round(time.Second), time.Since(back).Round(time.Millisecond), deployment.restarts())
	assertOpen(t, the.net.Client.Primary.IPv4, "tcp 203.0.113.128:80")
	s.awaitOpen("web")
	awaitGateway(t, edge)
	vigil.end()
	if state := stream.Close(); state.Broken != nil || state.Bytes == 0 {
		t.Errorf("the stream: %+v", state)
	}
}

// deployment keeps an operator running, as Kubernetes would.
type deployment struct {
	stop chan struct{}
	done sync.WaitGroup

	mutex    sync.Mutex
	operator *lab.Operator
	count    int
	failed   error
}

// restartPause is less than Kubernetes makes after the first restarts.
const restartPause = 5 * time.Second

func deploy(operator *lab.Operator) *deployment {
	d := &deployment{stop: make(chan struct{}), operator: operator}
	d.done.Go(func() {
		for d.failed == nil {
			select {
			case <-d.stop:
				return
			case <-d.operator.Ended():
			}
			select {
			case <-d.stop:
				return
			case <-time.After(restartPause):
			}
			d.again()
		}
	})
	return d
}

func (d *deployment) again() {
	next, err := d.operator.Again()
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.operator, d.failed = next, err
	d.count++
}

func (d *deployment) restarts() int {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.count
}

// end hands the operator over, which runs.
func (d *deployment) end(t *testing.T) *lab.Operator {
	close(d.stop)
	d.done.Wait()
	if d.failed != nil {
		t.Error(d.failed)
	}
	return d.operator
}
