// Package ratelimittest has texts of rate limit annotations: what each means, or
// what is wrong with it. The parser and the admission policy are tested with the
// same.
package ratelimittest

import "strings"

// Table is about one grammar.
type Table struct {
	Good []Good
	Bad  []Bad
}

// Good is a text that is accepted.
type Good struct {
	Text string
	// Means is the canonical spelling.
	Means string
}

// Bad is a text that is refused.
type Bad struct {
	Text string
	// Error is what the parser says, but for the example that it ends with.
	Error string
	// PastPolicy is why the admission policy lets the text pass; empty where it
	// refuses it as the parser does.
	PastPolicy string
}

// Reasons for PastPolicy.
const (
	needsArithmetic = "to compare it with a bound, the policy would have to calculate with units and periods"
	foldedByRE2     = "the policy's regular expressions take this letter for another case of an ASCII one"
)

// TooLong are texts that no grammar looks at.
var TooLong = []Bad{
	{Text: "16mbit" + strings.Repeat(" ", 123), Error: "at column 129: more than 128 bytes are not read"},
	{Text: strings.Repeat("1", 64<<10), Error: "at column 129: more than 128 bytes are not read"},
	{Text: strings.Repeat("(", 64<<10), Error: "at column 129: more than 128 bytes are not read"},
	{Text: strings.Repeat("\u00e9", 100), Error: "at column 65: more than 128 bytes are not read"},
}
