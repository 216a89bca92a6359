package ratelimit

import (
	"fmt"
	"strconv"
)

// SyntaxError is a mistake in the text of an annotation. Its strings are
// printable ASCII.
type SyntaxError struct {
	// Position is the column of the mistake in characters, counted from 1; one
	// past the last where something is missing at the end.
	Position int
	// Problem says what is wrong there.
	Problem string
	// Example is a text that would be right.
	Example string
}

// Error is position, problem and example, at most 256 bytes.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("at column %d: %s: write for example %q", e.Position, e.Problem, e.Example)
}

// maxQuoted bounds how much of a user's text is repeated, in bytes.
const maxQuoted = 32

// quote makes a user's text fit to be shown.
func quote(text string) string {
	if len(text) > maxQuoted {
		return strconv.QuoteToASCII(text[:maxQuoted]) + "..."
	}
	return strconv.QuoteToASCII(text)
}
