// Package ratelimit reads the annotations of a Service that limit its traffic.
//
// It is pure: text goes in; numbers, words of closed lists and problems come
// out. Text that a user wrote appears only in problems, quoted and cut short.
// docs/rate-limits.md is the grammar in words. An admission policy in
// config/admission refuses most bad text already when it is written, but what
// is read here may be older than the policy, so nothing relies on it.
//
// A text is read in three steps: scanner.go cuts it into tokens, the parser
// puts these into the shape of a rate, and only then is the amount compared with
// bounds.go. The policy knows the first two steps.
package ratelimit
