package plan

import corev1 "k8s.io/api/core/v1"

// Protocol is a transport protocol by the name that nft gives it.
type Protocol string

// The protocols that a Service can ask for.
const (
	TCP  Protocol = "tcp"
	UDP  Protocol = "udp"
	SCTP Protocol = "sctp"
)

// protocolOf is the Protocol of a Service's port; false for one that Kubernetes
// does not know. The API's default, for an empty one, is TCP.
func protocolOf(protocol corev1.Protocol) (Protocol, bool) {
	switch protocol {
	case corev1.ProtocolTCP, "":
		return TCP, true
	case corev1.ProtocolUDP:
		return UDP, true
	case corev1.ProtocolSCTP:
		return SCTP, true
	}
	return "", false
}
