package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// TestAnAnnotationLimitsAService with the ancestor's words, then with another
// rate, then with what cannot be read, and then not at all.
func TestAnAnnotationLimitsAService(t *testing.T) {
	s := openShop(t)
	must(t, the.net.Via(the.net.Gateways[0]))
	const address = "203.0.113.140"
	s.service("held", []string{address}, withPorts("udp/9000"), withAnnotation("ratelimit", "2 mbytes/second burst 512 kbytes"))
	s.service("free", []string{"203.0.113.141"}, withPorts("udp/9000"))
	s.awaitOpen("free")
	s.awaitHeldTo("held", "limited to 2 mbytes/second burst 512 kbytes")
	for _, gateway := range the.net.Gateways {
		if bucket := bucketOf(t, gateway, s.name+"/held"); !strings.Contains(bucket, "2 mbytes/second burst 512 kbytes") {
			t.Errorf("%s has the bucket %q", gateway.Name, bucket)
		}
	}

	s.update("held", withAnnotation("nft-operator.io/rate-limit", "4mbit"))
	s.awaitHeldTo("held", "limited to 4 mbit/second")
	const offered = 8e6
	from := the.net.Client.Primary.IPv4
	rates, err := the.net.MeasureFlows(t.Context(), 2*time.Second, 3*time.Second,
		lab.Flow{From: from, To: netip.MustParseAddrPort(address + ":9000"), BitsPerSecond: offered},
		lab.Flow{From: from, To: netip.MustParseAddrPort("203.0.113.141:9000"), BitsPerSecond: offered})
	must(t, err)
	// How exactly it is kept is measured in test/limits, where nothing else runs.
	if limited, free := rates[0].Arrived, rates[1].Arrived; limited > 5e6 || free < 1.2*limited {
		t.Errorf("of %v bit/s each, %v came through the limit and %v beside it", offered, limited, free)
	}
	checkNow(t, edge)
	await(t, "the host to tell who was over the limit", func() error {
		host := &v1alpha1.NftGatewayHost{}
		if err := the.api.Get(context.Background(), types.NamespacedName{Namespace: lab.OperatorNamespace, Name: "edge.gw1"}, host); err != nil {
			return err
		}
		if over := host.Status.OverLimit; len(over) != 1 || over[0].Service != s.name+"/held" || host.Status.RateLimiting == nil || host.Status.RateLimiting.Engine != "Nftables" {
			return fmt.Errorf("it tells %+v of %+v", over, host.Status.RateLimiting)
		}
		return nil
	})
	if packets := metric(t, "nft_operator_service_over_limit_packets", `host="edge.gw1"`, `service="`+s.name+`/held"`); packets < 100 {
		t.Errorf("the metric counts %v packets", packets)
	}

	s.update("held", withAnnotation("nft-operator.io/rate-limit", "2 mbytes; drop"))
	s.awaitEvent("held", corev1.EventTypeWarning, "RateLimitInvalid")

	s.update("held", func(service *corev1.Service) { service.Annotations = nil })
	for _, gateway := range the.net.Gateways {
		await(t, gateway.Name+" to have no limits", func() error {
			left, err := gateway.Exec("sh", "-c", "nft list tables | grep limits; ls /var/lib/nft-operator | grep limits; true")
			if err == nil && left != "" {
				err = errors.New(left)
			}
			return err
		})
	}
}

// awaitHeldTo waits until a Service is open and its condition says so much.
func (s *shop) awaitHeldTo(name, says string) {
	s.t.Helper()
	await(s.t, name+" to be "+says, func() error {
		if condition := s.awaitCondition(name, metav1.ConditionTrue, "Open"); !strings.Contains(condition.Message, says) {
			return errors.New(condition.Message)
		}
		return nil
	})
}

// bucketOf lists the named bucket of a Service.
func bucketOf(t *testing.T, gateway *lab.Gateway, service string) string {
	t.Helper()
	listing, err := gateway.Exec("nft", "list", "limits")
	must(t, err)
	_, after, _ := strings.Cut(listing, "limit rate-"+service+" {")
	bucket, _, _ := strings.Cut(after, "}")
	return bucket
}
