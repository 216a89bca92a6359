package main

import (
	"fmt"
	"os"
	"strings"
)

// writeInto writes the tables into a document, each between its two markers, so
// that the document never says anything else than the results.
func (r results) writeInto(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := string(content)
	for _, one := range r.Sections {
		if text, err = between(text, "figures of "+one.Name, one.inDocument()); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if text, err = between(text, "targets", r.targets()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// between replaces what stands between the markers of that name.
func between(text, name, replacement string) (string, error) {
	begin, end := "<!-- begin: "+name+" -->\n", "<!-- end: "+name+" -->"
	before, rest, found := strings.Cut(text, begin)
	_, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		return "", fmt.Errorf("there is no %s followed by %s", strings.TrimSpace(begin), end)
	}
	return before + begin + replacement + end + after, nil
}

func (s section) inDocument() string {
	return fmt.Sprintf("%s.\n\n%s", s.Machine, s.table(markdown))
}

// targets are the figures of all sections that have one.
func (r results) targets() string {
	var all section
	for _, one := range r.Sections {
		for _, f := range one.Figures {
			if f.Target != nil {
				all.Figures = append(all.Figures, f)
			}
		}
	}
	return all.table(markdown)
}
