package plan

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestReasonsAreAlphabetical(t *testing.T) {
	if !slices.IsSortedFunc(Reasons(), func(a, b ReasonDoc) int { return strings.Compare(string(a.Reason), string(b.Reason)) }) {
		t.Error("the table of reasons is out of order")
	}
}

// The decision record carries the same table for people.
func TestReasonsAreWrittenDown(t *testing.T) {
	text, err := os.ReadFile("../../docs/design/exposure.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range Reasons() {
		row := "| " + string(doc.Reason) + " | " + doc.Closes + " | " + doc.Because + " |"
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/design/exposure.md has no row\n%s", row)
		}
	}
}

func TestRefusalMessagesAreBounded(t *testing.T) {
	long := strings.Repeat("\x00", 1000)
	plan := planFor(t, gateway(), service("web", annotatedFrom(long)))
	if len(plan.Refusals) != 1 {
		t.Fatalf("%d refusals, want 1", len(plan.Refusals))
	}
	if message := plan.Refusals[0].Message; len(message) > 256 || !printable.MatchString(message) {
		t.Errorf("%d bytes: %q", len(message), message)
	}
}
