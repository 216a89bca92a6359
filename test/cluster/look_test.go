package cluster

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestLookingAtTheOperator as docs/install.md says: what it logs, and what it
// counts.
func TestLookingAtTheOperator(t *testing.T) {
	installed(t)
	logs := kubectl(t, namespaced("logs", "--selector", "app.kubernetes.io/name=nft-operator", "--prefix", "--tail", "-1")...)
	if !strings.Contains(logs, edge+".gw1") {
		t.Errorf("the log does not tell of the gateway:\n%s", logs)
	}
	if strings.Contains(logs, "PRIVATE KEY") {
		t.Error("the log has the private key")
	}
	service, err := the.clients.CoreV1().Services(lab.OperatorNamespace).Get(t.Context(), "nft-operator-metrics", metav1.GetOptions{})
	must(t, err)
	var body string
	await(t, "the Pod that acts counts its runs", func(context.Context) error { // the Service leads to either
		if body, err = metrics(service.Spec.ClusterIP); err != nil {
			return err
		}
		if !strings.Contains(body, "nft_operator_") {
			return errors.New(body)
		}
		return nil
	})
}

// metrics are what a Service of the cluster answers the node.
func metrics(address string) (string, error) {
	to := netip.AddrPortFrom(netip.MustParseAddr(address), 8080)
	client := http.Client{Timeout: answerWithin, Transport: &http.Transport{
		DisableKeepAlives: true, // another Pod may answer the next time
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return the.node.Dial(lab.TCP, netip.Addr{}, to, answerWithin)
		},
	}}
	response, err := client.Get("http://" + to.String() + "/metrics")
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}
