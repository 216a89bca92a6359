package ansible

import (
	"context"
	"errors"
	"net"
	"strconv"
	"syscall"
	"time"
)

// Probe opens and closes a TCP connection to the first hop on the way to a
// host. It returns an empty reason when something answers. It costs no slot of
// the runner, so that dead hosts cannot hold up live ones.
func Probe(ctx context.Context, access Access, target Target) (Reason, string) {
	address := net.JoinHostPort(target.Address, strconv.Itoa(int(target.Port)))
	if access.Jump != nil {
		address = net.JoinHostPort(access.Jump.Address, strconv.Itoa(int(access.Jump.Port)))
	}
	dialer := net.Dialer{Timeout: time.Duration(access.ConnectTimeoutSeconds) * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err == nil {
		_ = conn.Close()
		return "", ""
	}
	return classifyDial(err)
}

// classifyDial gives the reasons that ssh's own words would be given.
func classifyDial(err error) (Reason, string) {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &dns):
		return adviceFor(ReasonNameNotResolved)
	case errors.Is(err, syscall.ECONNREFUSED):
		return adviceFor(ReasonConnectionRefused)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return adviceFor(ReasonNoRoute)
	case errors.As(err, &timeout) && timeout.Timeout():
		return adviceFor(ReasonConnectionTimeout)
	}
	return ReasonUnreachable, "connecting failed: " + printable(err.Error())
}

func adviceFor(reason Reason) (Reason, string) {
	for _, symptom := range unreachableSymptoms {
		if symptom.reason == reason {
			return reason, symptom.advice
		}
	}
	return reason, string(reason)
}
