// Package plan turns Services and one NftGateway into what the hosts of that
// gateway must enforce, plus every refusal with its reason.
//
// It is pure: no client, no exec, no clock, and the same input in any order
// gives the same plan. What leaves it is typed. The strings in a plan are names
// checked against the rules of DNS-1123 and words of closed lists; text that a
// user wrote appears only in messages for people, quoted and cut short.
//
// What is opened, what is refused and why: docs/design/exposure.md.
package plan
