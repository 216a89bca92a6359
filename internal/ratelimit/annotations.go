package ratelimit

import (
	"errors"
	"fmt"
	"strings"
)

// The annotations of a Service that this package reads.
const (
	// AncestorAnnotation limits the Service's data, as RateAnnotation does, by
	// the name that our ancestor gave it. RateAnnotation wins.
	AncestorAnnotation = "ratelimit"
	// RateAnnotation limits the Service's data, for all clients together.
	RateAnnotation = "nft-operator.io/rate-limit"
	// PerSourceAnnotation limits the data of each client address.
	PerSourceAnnotation = "nft-operator.io/rate-limit-per-source"
	// PerPortAnnotation says whether the Service's limit counts for each port by
	// itself, "true", or for all of them together, "false".
	PerPortAnnotation = "nft-operator.io/rate-limit-per-port"
	// ConnectionRateAnnotation limits new connections of each client address.
	ConnectionRateAnnotation = "nft-operator.io/connection-rate"
	// ConnectionLimitAnnotation limits connections at one time of each client
	// address.
	ConnectionLimitAnnotation = "nft-operator.io/connection-limit"
)

// Annotations are the names of all annotations that this package reads.
func Annotations() []string {
	return []string{
		AncestorAnnotation, RateAnnotation, PerSourceAnnotation, PerPortAnnotation, ConnectionRateAnnotation, ConnectionLimitAnnotation,
	}
}

// Limits are what the annotations of one Service ask for. The zero value limits
// nothing.
type Limits struct {
	// Service is for all clients together; nil for no limit.
	Service *Rate
	// PerPort gives each port of the Service such a limit of its own.
	PerPort bool
	// PerSource is for each client address; nil for no limit.
	PerSource *Rate
	// ConnectionRate is of new connections, for each client address; nil for no
	// limit.
	ConnectionRate *Rate
	// ConnectionLimit is of connections at one time, for each client address; 0
	// for no limit.
	ConnectionLimit uint32
}

// String is in words what is limited, for example "16 mbit/second burst 64 kbytes
// for each port, 100 connections at one time for each client"; empty where
// nothing is.
func (l Limits) String() string {
	var parts []string
	if l.Service != nil {
		part := l.Service.String()
		if l.PerPort {
			part += " for each port"
		}
		parts = append(parts, part)
	}
	for _, rate := range []*Rate{l.PerSource, l.ConnectionRate} {
		if rate != nil {
			parts = append(parts, rate.String()+" for each client")
		}
	}
	if l.ConnectionLimit != 0 {
		parts = append(parts, fmt.Sprintf("%d connections at one time for each client", l.ConnectionLimit))
	}
	return strings.Join(parts, ", ")
}

// ProblemKind tells what a Problem does to the limits.
type ProblemKind string

const (
	// Invalid annotations cannot be read. What they would limit has no limit.
	Invalid ProblemKind = "Invalid"
	// Disagreement is of the two annotations for the Service's data. The limit is
	// what RateAnnotation says; Annotation is the other one.
	Disagreement ProblemKind = "Disagreement"
)

// Problem is something to tell the author of an annotation.
type Problem struct {
	// Annotation is the name of the annotation to correct.
	Annotation string
	Kind       ProblemKind
	// Position is the column of the mistake, as in SyntaxError; 0 where the text
	// is right by itself.
	Position int
	// Message says what is wrong, where, and what to write: printable ASCII. It
	// does not name the annotation.
	Message string
}

// String names the annotation too, in at most 256 bytes of printable ASCII.
func (p Problem) String() string { return "annotation " + p.Annotation + ": " + p.Message }

// ParseAnnotations reads all annotations of a Service. One that is Invalid leaves
// its field of Limits as it would be without it; the others count. The same
// annotations give the same problems in the same order.
func ParseAnnotations(annotations map[string]string) (Limits, []Problem) {
	r := reader{annotations: annotations}
	limits := Limits{
		Service:        r.serviceRate(),
		PerSource:      read(&r, PerSourceAnnotation, ParseData),
		ConnectionRate: read(&r, ConnectionRateAnnotation, ParseConnectionRate),
	}
	if perPort := read(&r, PerPortAnnotation, ParsePerPort); perPort != nil {
		limits.PerPort = *perPort
	}
	if limit := read(&r, ConnectionLimitAnnotation, ParseConnectionLimit); limit != nil {
		limits.ConnectionLimit = *limit
	}
	return limits, r.problems
}

// ParsePerPort reads "true" or "false". Every error is a [*SyntaxError].
func ParsePerPort(text string) (bool, error) {
	const example = "true"
	p, err := newParser(text, example)
	if err != nil {
		return false, err
	}
	word := p.next()
	if word.text != "true" && word.text != "false" {
		return false, p.fail(word, `only "true" and "false" are read`)
	}
	return word.text == "true", p.end()
}

// reader collects the problems of annotations that are read one after another.
type reader struct {
	annotations map[string]string
	problems    []Problem
}

// read is what an annotation says; nil where it is not there or Invalid.
func read[T any](r *reader, annotation string, parse func(string) (T, error)) *T {
	text, there := r.annotations[annotation]
	if !there {
		return nil
	}
	value, err := parse(text)
	if err != nil {
		r.report(annotation, Invalid, err)
		return nil
	}
	return &value
}

func (r *reader) report(annotation string, kind ProblemKind, err error) {
	problem := Problem{Annotation: annotation, Kind: kind, Message: err.Error()}
	if mistake, ok := errors.AsType[*SyntaxError](err); ok {
		problem.Position = mistake.Position
	}
	r.problems = append(r.problems, problem)
}

// serviceRate is what the two annotations for the Service's data say.
func (r *reader) serviceRate() *Rate {
	_, overruled := r.annotations[RateAnnotation]
	if !overruled {
		return read(r, AncestorAnnotation, ParseData)
	}
	rate := read(r, RateAnnotation, ParseData)
	if rate != nil {
		r.compare(*rate)
	}
	return rate
}

// compare reports an ancestor's annotation that says something else than the
// rate that counts. It does no harm, so it is never Invalid.
func (r *reader) compare(counts Rate) {
	text, there := r.annotations[AncestorAnnotation]
	if !there {
		return
	}
	other, err := ParseData(text)
	switch {
	case err != nil:
		r.report(AncestorAnnotation, Disagreement, fmt.Errorf("%w; %s counts", err, RateAnnotation))
	case other != counts:
		r.report(AncestorAnnotation, Disagreement, fmt.Errorf("it says %q; %s counts, with %q", other, RateAnnotation, counts))
	}
}
