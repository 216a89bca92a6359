// Package ratelimittest has texts of rate limit annotations: what each means, or
// what is wrong with it. The parser and the admission policy are tested with the
// same.
package ratelimittest

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
	// Error is what the parser says, without the example that it ends with.
	Error string
	// PastPolicy is why the admission policy lets it pass; empty where it
	// refuses it too.
	PastPolicy string
}

// Reasons for PastPolicy.
const (
	tooSmall    = "to compare, the policy would have to calculate with units and periods"
	tooLarge    = tooSmall
	foldedByRE2 = "RE2 takes this letter for another case of an ASCII one"
)
