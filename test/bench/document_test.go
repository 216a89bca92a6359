package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFiguresSayWhetherTheirTargetIsReached(t *testing.T) {
	for _, one := range []struct {
		figure       figure
		aim, verdict string
	}{
		{figure{Value: 0.34, Unit: seconds, Target: atMost(0.35)}, "≤ 0.35 s", "reached"},
		{figure{Value: 0.36, Unit: seconds, Target: atMost(0.35)}, "≤ 0.35 s", "missed"},
		{figure{Value: 0.95, Unit: share, Target: &target{Least: 0.95}}, "≥ 95.0 %", "reached"},
		{figure{Value: 0.94, Unit: share, Target: &target{Least: 0.95}}, "≥ 95.0 %", "missed"},
		{figure{Value: 0.94, Unit: share}, "", ""},
	} {
		if aim, verdict := one.figure.verdict(); aim != one.aim || verdict != one.verdict {
			t.Errorf("%+v: %s %s, want %s %s", one.figure, aim, verdict, one.aim, one.verdict)
		}
	}
}

// TestSectionsReplaceThoseOfTheirName, in the results and in the document.
func TestSectionsReplaceThoseOfTheirName(t *testing.T) {
	older := results{Sections: []section{
		{Name: "packets", Figures: []figure{{Name: "old"}}},
		{Name: "burst", Figures: []figure{{Name: "kept", Value: 2, Unit: seconds, Target: atMost(3)}}},
	}}
	newer := results{Sections: []section{{Name: "packets", Figures: []figure{{Name: "new", Value: 1, Unit: seconds}}}}}
	all := merged(older, newer)
	if len(all.Sections) != 2 || all.Sections[0].Name != "burst" || all.Sections[1].Figures[0].Name != "new" {
		t.Fatalf("merged to %+v", all)
	}
	path := filepath.Join(t.TempDir(), "document.md")
	const frame = `before
<!-- begin: targets -->
old
<!-- end: targets -->
<!-- begin: figures of packets -->
old
<!-- end: figures of packets -->
<!-- begin: figures of burst -->
<!-- end: figures of burst -->
after
`
	must(t, os.WriteFile(path, []byte(frame), 0o600))
	for range 2 { // writing it again changes nothing
		must(t, all.writeInto(path))
		content, err := os.ReadFile(path)
		must(t, err)
		for text, count := range map[string]int{"old": 0, "| kept | 2.00 s |  | ≤ 3.00 s | reached |": 2, "| new | 1.00 s |": 1, "before\n": 1, "after\n": 1} {
			if got := strings.Count(string(content), text); got != count {
				t.Errorf("%q is there %d times, want %d:\n%s", text, got, count, content)
			}
		}
	}
	must(t, os.WriteFile(path, []byte("no markers"), 0o600))
	if all.writeInto(path) == nil {
		t.Error("a document without markers was written")
	}
}

// TestTheDocumentHasPlaceForAllFigures: make bench could not write them else.
func TestTheDocumentHasPlaceForAllFigures(t *testing.T) {
	document, err := os.ReadFile("../../docs/performance.md")
	must(t, err)
	text := string(document)
	for _, one := range sections {
		if text, err = between(text, "figures of "+one.name, ""); err != nil {
			t.Error(err)
		}
	}
	if _, err = between(text, "targets", ""); err != nil {
		t.Error(err)
	}
}

func TestQuantiles(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	for part, want := range map[float64]float64{0.5: 3, 0.99: 5, 0.2: 1} {
		if got := quantile(values, part); got != want {
			t.Errorf("quantile %.2f is %.0f, want %.0f", part, got, want)
		}
	}
}
