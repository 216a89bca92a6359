package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// results are what was measured; bench/results.json has the last ones.
type results struct {
	Sections []section `json:"sections"`
}

// section is what one part of the benchmark measured, with its references in the
// same run.
type section struct {
	Name string `json:"name"`
	// Machine is what it was measured on.
	Machine string `json:"machine"`
	// Seconds it took.
	Seconds float64  `json:"seconds"`
	Figures []figure `json:"figures"`
	Plots   []plot   `json:"plots"`
}

// figure is a row of the table.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  unit    `json:"unit"`
	// References were measured in the same run, in the same unit.
	References []reference `json:"references,omitempty"`
	Target     *target     `json:"target,omitempty"`
}

type reference struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// target is what was aimed for. One of its ends is given.
type target struct {
	Most  float64 `json:"most,omitempty"`
	Least float64 `json:"least,omitempty"`
}

func atMost(value float64) *target { return &target{Most: value} }

func (t target) reached(value float64) bool {
	if t.Least > 0 {
		return value >= t.Least
	}
	return value <= t.Most
}

// plot is drawn by test/bench/draw.
type plot struct {
	// Name of its file.
	Name string `json:"name"`
	// Kind is lines, with logarithmic axes, or stacks of bars.
	Kind  string `json:"kind"`
	Title string `json:"title"`
	X     string `json:"x"`
	Y     string `json:"y"`
	// Labels are below the stacks, left to right.
	Labels []string `json:"labels,omitempty"`
	Series []series `json:"series"`
}

// Kinds of plots.
const (
	lines  = "lines"
	stacks = "stacks"
)

// series is a line, of as many X as Y, or a part of each stack.
type series struct {
	Name string    `json:"name"`
	X    []float64 `json:"x,omitempty"`
	Y    []float64 `json:"y"`
}

func (s *series) add(x, y float64) {
	s.X, s.Y = append(s.X, x), append(s.Y, y)
}

// readResults reads what was written; a missing file has none.
func readResults(path string) (results, error) {
	var read results
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return read, nil
	}
	if err != nil {
		return read, err
	}
	if err := json.Unmarshal(content, &read); err != nil {
		return read, fmt.Errorf("%s: %w", path, err)
	}
	return read, nil
}

// merged has the newer sections in the place of those of the same name.
func merged(older, newer results) results {
	byName := map[string]section{}
	for _, one := range append(older.Sections, newer.Sections...) {
		byName[one.Name] = one
	}
	var all results
	for _, known := range sections {
		if one, found := byName[known.name]; found {
			all.Sections = append(all.Sections, one)
		}
	}
	return all
}

func (r results) write(path string) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(content, '\n'), 0o644)
}
