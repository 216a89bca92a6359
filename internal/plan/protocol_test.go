package plan

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestProtocolOf(t *testing.T) {
	known := map[corev1.Protocol]Protocol{"TCP": TCP, "UDP": UDP, "SCTP": SCTP, "": TCP}
	for in, want := range known {
		if got, ok := protocolOf(in); !ok || got != want {
			t.Errorf("protocol %q is %q, %v; want %q", in, got, ok, want)
		}
	}
	for _, in := range []corev1.Protocol{"tcp", "ICMP", "TCP ", "{{x}}"} {
		if got, ok := protocolOf(in); ok {
			t.Errorf("protocol %q passed as %q", in, got)
		}
	}
}
