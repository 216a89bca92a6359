package plan

import (
	"cmp"
	"fmt"
)

// Reason is why something that a Service asks for stays closed, in one word.
type Reason string

// The reasons; Reasons tells what each of them closes.
const (
	AddressInUse       Reason = "AddressInUse"
	AddressNotAllowed  Reason = "AddressNotAllowed"
	InvalidAddress     Reason = "InvalidAddress"
	InvalidName        Reason = "InvalidName"
	InvalidPort        Reason = "InvalidPort"
	InvalidProtocol    Reason = "InvalidProtocol"
	InvalidRateLimit   Reason = "InvalidRateLimit"
	InvalidSourceRange Reason = "InvalidSourceRange"
	NoAddress          Reason = "NoAddress"
)

// ReasonDoc explains one Reason.
type ReasonDoc struct {
	Reason Reason
	// Closes is what stays closed.
	Closes string
	// Because is when this reason is given.
	Because string
}

// Reasons lists every reason, in alphabetical order.
func Reasons() []ReasonDoc {
	return []ReasonDoc{
		{AddressInUse, "these ports of that address", "an older Service holds the same address, protocol and port"},
		{AddressNotAllowed, "that address", "it is outside the gateway's allowedCIDRs"},
		{InvalidAddress, "that address", "it is not a plain unicast IPv4 or IPv6 address"},
		{InvalidName, "the whole Service", "its namespace or name is not a DNS-1123 label"},
		{InvalidPort, "that port", "it is not a number from 1 to 65535"},
		{InvalidProtocol, "that port", "its protocol is not TCP, UDP or SCTP"},
		{InvalidRateLimit, "the whole Service", "a rate limit cannot be read, and the gateway's onInvalid is Closed"},
		{InvalidSourceRange, "the whole Service", "one of its source ranges cannot be read"},
		{NoAddress, "the whole Service", "its status has host names only, no IP address"},
	}
}

// Refusal is one thing that a Service asks for and does not get.
type Refusal struct {
	// Service is the zero key where the reason is InvalidName: such a name must
	// not become a key, so only Message shows it, quoted.
	Service ServiceKey
	Reason  Reason
	// Message says what is wrong and what to write: printable ASCII, at most
	// 256 bytes.
	Message string
}

func refusal(service ServiceKey, reason Reason, format string, args ...any) Refusal {
	return Refusal{Service: service, Reason: reason, Message: bound(fmt.Sprintf(format, args...))}
}

func compareRefusals(a, b Refusal) int {
	return cmp.Or(a.Service.Compare(b.Service), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Message, b.Message))
}

// andMore tells of n things that a message does not name.
func andMore(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}
