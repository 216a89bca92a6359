package ratelimit

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// rowsOfDocs are the cells of each row of a table whose first cell is code, by
// the heading of the table's first column.
func rowsOfDocs(t *testing.T) map[string][][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/rate-limits.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][][]string{}
	table := ""
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "|") {
			table = ""
			continue
		}
		cells := strings.Split(strings.Trim(line, "|\n "), " | ")
		switch {
		case table == "":
			table = strings.Join(cells, ", ")
		case strings.HasPrefix(cells[0], "`"):
			for i := range cells {
				cells[i] = strings.Trim(cells[i], "` ")
			}
			rows[table] = append(rows[table], cells)
		}
	}
	return rows
}

func TestDocsShowWhatIsRead(t *testing.T) {
	rows := rowsOfDocs(t)
	for _, row := range rows["written, read as"] {
		parse := ParseData
		if strings.Contains(row[1], string(Connections)) {
			parse = ParseConnectionRate
		}
		if read, err := parse(row[0]); err != nil || read.String() != row[1] {
			t.Errorf("%s is read as %s, %v, not as %s", row[0], read, err, row[1])
		}
	}
	for _, row := range rows["written, told"] {
		if _, err := ParseData(row[0]); err == nil || !strings.HasPrefix(err.Error(), row[1]+": write for example") {
			t.Errorf("%s is told %v, not %s", row[0], err, row[1])
		}
	}
	for _, row := range rows["annotation, limits, example"] {
		if _, problems := ParseAnnotations(map[string]string{row[0]: row[2]}); len(problems) > 0 {
			t.Error(problems)
		}
	}
	for table, count := range map[string]int{"written, read as": 13, "written, told": 11, "annotation, limits, example": len(readers)} {
		if len(rows[table]) != count {
			t.Errorf("table %q has %d rows, want %d", table, len(rows[table]), count)
		}
	}
}

func TestDocsListAllUnits(t *testing.T) {
	listed := map[string]string{}
	for _, row := range rowsOfDocs(t)["unit, is, counted, as in"] {
		listed[row[0]] = row[1]
	}
	size := func(u unit) string {
		switch u.kind {
		case kindBits:
			return fmt.Sprintf("%d bit", u.bits)
		case kindBytes:
			return fmt.Sprintf("%d byte", u.bits/8)
		default:
			return "1 packet"
		}
	}
	for _, names := range []map[string]unit{dataUnits.words, dataUnits.symbols} {
		for name, u := range names {
			if got := regexp.MustCompile(`,|s$`).ReplaceAllString(listed[name], ""); got != size(u) {
				t.Errorf("%s is %q there, and %q in fact", name, got, size(u))
			}
			delete(listed, name)
		}
	}
	for name := range listed {
		t.Errorf("%s is no unit", name)
	}
}
