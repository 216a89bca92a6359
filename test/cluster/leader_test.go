package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestTheLeaderFails in several ways. The other Pod takes over, or the same in a
// new life; meanwhile nothing closes, and then what is asked for opens.
func TestTheLeaderFails(t *testing.T) {
	tests := []struct {
		name, address string
		fail          func(*testing.T, *corev1.Pod)
		moves         bool
	}{
		{"its Pod is deleted", "203.0.113.21", func(t *testing.T, pod *corev1.Pod) {
			kubectl(t, "--namespace", pod.Namespace, "delete", "pod", pod.Name, "--grace-period=0", "--force")
		}, true},
		{"its machine hangs for a while", "203.0.113.22", func(t *testing.T, pod *corev1.Pod) {
			must(t, the.node.ToContainers(t.Context(), pod, lab.Pause))
		}, true},
		{"it is killed", "203.0.113.23", func(t *testing.T, pod *corev1.Pod) {
			must(t, the.node.ToContainers(t.Context(), pod, lab.Kill))
		}, false}, // the kubelet starts it again, and the Lease is still its own
	}
	installed(t)
	serve(t, "before", "203.0.113.20,2001:db8:1b::20", "tcp/80")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ended := keepCalling(t, "203.0.113.20:80", "[2001:db8:1b::20]:80")
			first := leader(t)
			test.fail(t, first)
			began := time.Now()
			if test.moves {
				await(t, "another Pod leads", func(context.Context) error {
					if now := leader(t); now.Name == first.Name {
						return fmt.Errorf("it is still %s", now.Name)
					}
					return nil
				})
				t.Logf("another Pod leads after %s", time.Since(began).Round(time.Millisecond))
			}
			if strings.Contains(test.name, "hangs") {
				must(t, the.node.ToContainers(t.Context(), first, lab.Resume))
			}
			serve(t, "after", test.address, "tcp/80")
			t.Logf("what was asked for afterwards was open after %s", time.Since(began).Round(time.Millisecond))
			ended()
		})
	}
}

// keepCalling has the client connect all the time until what it returns is
// called. A connection that is lost is an error.
func keepCalling(t *testing.T, doors ...string) (end func()) {
	t.Helper()
	var calls []lab.Call
	for _, door := range doors {
		to := netip.MustParseAddrPort(door)
		calls = append(calls, lab.Call{Protocol: lab.TCP, From: the.net.Client.Primary.Like(to.Addr()), To: to})
	}
	caller := the.net.Client.KeepCalling(20*time.Millisecond, answerWithin, func(loss lab.Loss) { t.Error(loss) }, calls...)
	end = sync.OnceFunc(func() {
		report := caller.Close()
		t.Logf("%d connections, p99 %s", report.Made, report.P99.Round(10*time.Microsecond))
		if report.Made == 0 {
			t.Error("nobody called")
		}
	})
	t.Cleanup(end)
	return end
}

// leader is the Pod that holds the Lease.
func leader(t *testing.T) *corev1.Pod {
	t.Helper()
	lease, err := the.clients.CoordinationV1().Leases(lab.OperatorNamespace).Get(t.Context(), "nft-operator.io", metav1.GetOptions{})
	must(t, err)
	name, _, _ := strings.Cut(*lease.Spec.HolderIdentity, "_") // what follows is one life of it
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: name}}
	found, err := the.clients.CoreV1().Pods(pod.Namespace).Get(t.Context(), pod.Name, metav1.GetOptions{})
	if err != nil {
		return pod // it is gone, and its Lease not yet
	}
	return found
}
