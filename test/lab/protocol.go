package lab

import "golang.org/x/sys/unix"

// Protocol is a transport protocol, by the name that nft and Kubernetes
// (in capitals) use.
type Protocol string

// The protocols that a Service can have.
const (
	TCP  Protocol = "tcp"
	UDP  Protocol = "udp"
	SCTP Protocol = "sctp"
)

// Protocols lists all of them.
var Protocols = []Protocol{TCP, UDP, SCTP}

var protocolNumbers = map[Protocol]byte{TCP: unix.IPPROTO_TCP, UDP: unix.IPPROTO_UDP, SCTP: unix.IPPROTO_SCTP}
