// Command draw draws the plots of a file of results as SVG, each into a file of
// its own. It knows nothing of what was measured.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// results are what test/bench writes.
type results struct {
	Sections []struct {
		Plots []drawing `json:"plots"`
	} `json:"sections"`
}

// drawing is one plot.
type drawing struct {
	Name   string   `json:"name"`
	Kind   string   `json:"kind"`
	Title  string   `json:"title"`
	X      string   `json:"x"`
	Y      string   `json:"y"`
	Labels []string `json:"labels"`
	Series []series `json:"series"`
}

type series struct {
	Name string    `json:"name"`
	X    []float64 `json:"x"`
	Y    []float64 `json:"y"`
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: draw RESULTS FOLDER")
		os.Exit(2)
	}
	if err := drawAll(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "draw:", err)
		os.Exit(1)
	}
}

func drawAll(file, folder string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var all results
	if err := json.Unmarshal(content, &all); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, section := range all.Sections {
		for _, one := range section.Plots {
			if err := one.save(filepath.Join(folder, one.Name+".svg")); err != nil {
				return fmt.Errorf("plot %s: %w", one.Name, err)
			}
		}
	}
	return nil
}
