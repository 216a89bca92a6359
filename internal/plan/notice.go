package plan

import (
	"cmp"
	"fmt"
)

// NoticeReason is what the author of a Service should know though it is open,
// in one word.
type NoticeReason string

// The reasons.
const (
	// RateLimitInvalid: an annotation for a rate cannot be read.
	RateLimitInvalid NoticeReason = "RateLimitInvalid"
	// RateLimitDisagreement: two annotations name different rates.
	RateLimitDisagreement NoticeReason = "RateLimitDisagreement"
	// RateLimitBounded: the Service asks for more than it may have.
	RateLimitBounded NoticeReason = "RateLimitBounded"
)

// Notice is something about an open Service that its author should know.
type Notice struct {
	Service ServiceKey
	Reason  NoticeReason
	// Message says what is wrong, what to write, and what counts until then:
	// printable ASCII, at most 384 bytes.
	Message string
}

func (c *claim) notify(reason NoticeReason, format string, args ...any) {
	c.notices = append(c.notices, Notice{Service: c.service, Reason: reason, Message: fmt.Sprintf(format, args...)})
}

func compareNotices(a, b Notice) int {
	return cmp.Or(a.Service.Compare(b.Service), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Message, b.Message))
}
