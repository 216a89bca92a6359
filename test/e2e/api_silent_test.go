package e2e

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestServicesThatAreNotKnownYetAreNotGone starts the operator where the API
// server takes its time to say which Services there are. That must not be read
// as "none".
func TestServicesThatAreNotKnownYetAreNotGone(t *testing.T) {
	const silence = 5 * time.Second
	s := openShop(t)
	awaitGateway(t, edge)
	serve(t, "tcp 203.0.113.120:80")
	s.service("web", []string{"203.0.113.120"})
	s.service("quiet", []string{"203.0.113.121"})
	s.awaitOpen("web")
	s.awaitOpen("quiet")
	must(t, the.operator.Stop())
	t.Cleanup(func() { startOperator(t) })
	vigil := keepVigil(t, "203.0.113.120:80")

	server := newHesitantServer(t, silence)
	startOperatorWith(t, lab.OperatorOptions{Arguments: []string{"--leader-elect=false"}, Server: server.address})
	t.Cleanup(func() { must(t, the.operator.Stop()) })
	checkNow(t, edge) // so that there is a reason for a run
	server.awaitAnswer(t)
	s.service("new", []string{"203.0.113.122"})
	s.awaitOpen("new")
	if !server.toldHosts.Load() {
		t.Error("the operator knew of no host while it waited, so that nothing is proven")
	}
	vigil.end()
	for _, name := range []string{"web", "quiet"} {
		s.awaitOpen(name)
	}
	for _, gateway := range the.net.Gateways {
		if output, err := gateway.Exec("nft", "get", "element", "inet", "nft_operator", "services4", "{ 203.0.113.121 . tcp . 80 }"); err != nil {
			t.Errorf("%s closed a Service: %s", gateway.Name, output)
		}
	}
}

// hesitantServer passes everything on to the API server, and the first request
// for all Services only after a while.
type hesitantServer struct {
	address  *lab.APIServer
	silence  time.Duration
	first    sync.Once
	answered chan struct{}
	// toldHosts says that the operator asked for hosts meanwhile, and was answered.
	toldHosts atomic.Bool
}

func newHesitantServer(t *testing.T, silence time.Duration) *hesitantServer {
	t.Helper()
	h := &hesitantServer{silence: silence, answered: make(chan struct{})}
	h.address = serveBefore(t, func(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
		h.hesitate(r)
		return w
	})
	return h
}

func (h *hesitantServer) hesitate(r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/nftgatewayhosts") {
		select {
		case <-h.answered:
		default:
			h.toldHosts.Store(true)
		}
	}
	if asksForAllServices(r) {
		h.first.Do(func() { // whoever asks again waits too
			time.Sleep(h.silence)
			close(h.answered)
		})
	}
}

// asksForAllServices recognises a list, and a watch that begins with one.
func asksForAllServices(r *http.Request) bool {
	query := r.URL.Query()
	return aboutServices(r) && (query.Get("watch") == "" || query.Get("sendInitialEvents") == "true")
}

func (h *hesitantServer) awaitAnswer(t *testing.T) {
	t.Helper()
	select {
	case <-h.answered:
	case <-time.After(awaitPatience):
		t.Fatal("the operator never asked for Services")
	}
}
