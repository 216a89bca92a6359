package e2e

import (
	"net/http"
	"testing"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestAnAPIServerWithoutStreamedLists: some versions of Kubernetes that the
// operator supports refuse a watch that begins with all objects. Then it asks
// for a list first, and needs the right to.
func TestAnAPIServerWithoutStreamedLists(t *testing.T) {
	s := openShop(t)
	awaitGateway(t, edge)
	must(t, the.operator.Stop())
	t.Cleanup(func() {
		must(t, the.operator.Stop())
		startOperator(t)
	})
	startOperatorWith(t, lab.OperatorOptions{
		Arguments: []string{"--leader-elect=false"},
		Server:    serveBefore(t, refuseStreamedLists),
	})
	serve(t, "tcp 203.0.113.138:80")
	s.service("web", []string{"203.0.113.138"})
	s.awaitOpen("web")
	assertOpen(t, the.net.Client.Primary.IPv4, "tcp 203.0.113.138:80")
}

// refuseStreamedLists has the API server itself refuse them, for want of a
// parameter, with the status of one that does not know them.
func refuseStreamedLists(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if query := r.URL.Query(); query.Get("sendInitialEvents") != "" {
		query.Del("resourceVersionMatch")
		r.URL.RawQuery = query.Encode()
	}
	return w
}
