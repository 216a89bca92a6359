package plan

import "strconv"

const (
	// maxQuoted bounds how much of a user's text is repeated to a person.
	maxQuoted = 40
	// maxMessage bounds a whole message, in bytes.
	maxMessage = 256
	ellipsis   = "..."
)

// quote makes a user's text fit to be shown: printable ASCII only, in quotes,
// cut short. It is for messages; nothing reads its result back.
func quote(text string) string {
	if len(text) > maxQuoted {
		return strconv.QuoteToASCII(text[:maxQuoted]) + ellipsis
	}
	return strconv.QuoteToASCII(text)
}

// bound cuts a message of ASCII text to maxMessage bytes.
func bound(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return message[:maxMessage-len(ellipsis)] + ellipsis
}
