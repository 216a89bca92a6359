package watches

import (
	"errors"
	"fmt"
)

// Problem is one thing that is wrong with a watches.yaml.
type Problem struct {
	// File is the path as it was given to Load.
	File string
	Line int
	// Field as it is written, "finalizer.role"; empty where it is about no field.
	Field string
	// Advice says what is wrong and what to do.
	Advice string
}

// Error is "file:line: field: advice".
func (p *Problem) Error() string {
	if p.Field == "" {
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Advice)
	}
	return fmt.Sprintf("%s:%d: %s: %s", p.File, p.Line, p.Field, p.Advice)
}

// problems collects what is wrong, so that one start tells all of it.
type problems struct {
	file string
	list []error
}

func (p *problems) add(line int, field, advice string, args ...any) {
	p.list = append(p.list, &Problem{File: p.file, Line: line, Field: field, Advice: fmt.Sprintf(advice, args...)})
}

// err is nil where nothing is wrong.
func (p *problems) err() error { return errors.Join(p.list...) }
