package plan

import "fmt"

// specReader keeps the first problem, so that reading a spec is one expression
// rather than a check after every field.
type specReader struct{ err error }

func (r *specReader) fail(field, format string, args ...any) {
	if r.err == nil {
		r.err = &SpecError{Field: field, Problem: fmt.Sprintf(format, args...)}
	}
}

// oneOf returns value if it is one of the words, the first of which is the
// default.
func oneOf[T ~string](r *specReader, field string, value, byDefault T, others ...T) T {
	if value == "" || value == byDefault {
		return byDefault
	}
	known := string(byDefault)
	for _, other := range others {
		if value == other {
			return value
		}
		known += " or " + string(other)
	}
	r.fail(field, "%s is not known; write %s", quote(string(value)), known)
	return byDefault
}
