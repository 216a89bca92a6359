package e2e

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/nft-operator/nft-operator/test/lab"
)

// intercept may make a request to the API server wait, or write its answer
// elsewhere.
type intercept func(w http.ResponseWriter, r *http.Request) http.ResponseWriter

// serveBefore puts a server before the API server, until the test ends.
func serveBefore(t *testing.T, intercept intercept) *lab.APIServer {
	t.Helper()
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(the.kube.Config))
	must(t, err)
	behind, err := url.Parse(the.kube.Config.Host)
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(behind)
	proxy.Transport = transport
	proxy.FlushInterval = -1 // a watch is told of at once
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxy.ServeHTTP(intercept(w, r), r)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return &lab.APIServer{
		URL:       server.URL,
		Authority: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
	}
}

// aboutServices recognises a list or a watch of the Services of all namespaces.
func aboutServices(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == "/api/v1/services"
}
