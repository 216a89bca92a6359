package plan

// SpecError is a field of an NftGateway that makes no sense. The gateway then
// has no plan, and what its hosts enforce must be left as it is.
type SpecError struct {
	// Field is the path of the field, as "spec.services.allowedCIDRs[0]".
	Field string
	// Problem says what is wrong and what to write: printable ASCII.
	Problem string
}

// Error is the field and its problem, at most 256 bytes.
func (e *SpecError) Error() string { return bound(e.Field + ": " + e.Problem) }
