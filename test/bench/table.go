package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// style is how a table is written.
type style int

const (
	plainText style = iota
	markdown
)

// table writes the figures of all sections.
func (r results) table(s style) string {
	var text strings.Builder
	for _, one := range r.Sections {
		fmt.Fprintf(&text, "\n%s\n", one.heading())
		text.WriteString(one.table(s))
	}
	return text.String()
}

func (s section) heading() string {
	title := s.Name
	if one, err := sectionNamed(s.Name); err == nil {
		title = one.title
	}
	return fmt.Sprintf("%s (%s; took %.0f s)", title, s.Machine, s.Seconds)
}

func (s section) table(as style) string {
	var text strings.Builder
	if as == markdown {
		text.WriteString("| figure | measured | in the same run | target | |\n|---|---|---|---|---|\n")
		for _, one := range s.Figures {
			fmt.Fprintf(&text, "| %s |\n", strings.Join(one.cells(), " | "))
		}
		return text.String()
	}
	columns := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, one := range s.Figures {
		fmt.Fprintf(columns, "  %s\n", strings.Join(one.cells(), "\t"))
	}
	_ = columns.Flush()
	return text.String()
}

// cells are name, value, references, target and whether it is reached.
func (f figure) cells() []string {
	var references []string
	for _, one := range f.References {
		references = append(references, one.Name+" "+f.Unit.write(one.Value))
	}
	aim, verdict := f.verdict()
	return []string{f.Name, f.Unit.write(f.Value), strings.Join(references, ", "), aim, verdict}
}

func (f figure) verdict() (aim, verdict string) {
	if f.Target == nil {
		return "", ""
	}
	aim = "≤ " + f.Unit.write(f.Target.Most)
	if f.Target.Least > 0 {
		aim = "≥ " + f.Unit.write(f.Target.Least)
	}
	if f.Target.reached(f.Value) {
		return aim, "reached"
	}
	return aim, "missed"
}
