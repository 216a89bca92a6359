package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// teller writes the story and keeps count of what was expected of it.
type teller struct {
	out          io.Writer
	colours      bool
	scenes       int
	held, failed int
	started      time.Time
}

func newTeller() *teller {
	return &teller{out: os.Stdout, colours: wantsColours(os.Stdout), started: time.Now()}
}

// wantsColours follows https://no-color.org.
func wantsColours(file *os.File) bool {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	return err == nil
}

// colour is a terminal's.
type colour string

const (
	bold  colour = "\033[1m"
	green colour = "\033[32m"
	red   colour = "\033[31m"
	grey  colour = "\033[90m"
	plain colour = "\033[0m"
)

func (t *teller) paint(c colour, text string) string {
	if !t.colours {
		return text
	}
	return string(c) + text + string(plain)
}

func (t *teller) line(format string, arguments ...any) {
	_, _ = fmt.Fprintf(t.out, format+"\n", arguments...)
}

// scene begins a part of the story.
func (t *teller) scene(title string) {
	t.scenes++
	t.line("\n%s", t.paint(bold, fmt.Sprintf("%d. %s", t.scenes, title)))
}

// say tells something that is not checked.
func (t *teller) say(format string, arguments ...any) {
	t.line("   %s", wrapped(fmt.Sprintf(format, arguments...), "\n   "))
}

// quote shows what a program said.
func (t *teller) quote(text string) {
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		t.line("     %s", t.paint(grey, "| "+strings.TrimRight(line, "\n")))
	}
}

// expect says what should be and whether it is. A check returns what was seen
// instead. The story goes on either way.
func (t *teller) expect(what string, check func() error) bool {
	seen := check()
	if seen == nil {
		t.held++
		t.line("   %s %s", t.paint(green, "✓"), wrapped(what, "\n     "))
		return true
	}
	t.failed++
	t.line("   %s %s", t.paint(red, "✗"), wrapped(what, "\n     "))
	instead := strings.ReplaceAll(strings.TrimSpace(seen.Error()), "\n", "\n              ")
	t.line("     %s", t.paint(red, "instead: "+instead))
	return false
}

// wrapped breaks a long text between words.
func wrapped(text, lineBreak string) string {
	const width = 110
	var wrapped strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+length > width:
			wrapped.WriteString(lineBreak)
			column = 0
		default:
			wrapped.WriteByte(' ')
			column++
		}
		wrapped.WriteString(word)
		column += length
	}
	return wrapped.String()
}

// step shows the progress of a piece of preparation.
func (t *teller) step(what string, do func() error) error {
	_, _ = fmt.Fprintf(t.out, "   %s ... ", what)
	began := time.Now()
	if err := do(); err != nil {
		t.line("%s", t.paint(red, "failed"))
		return err
	}
	t.line("%.1f s", time.Since(began).Seconds())
	return nil
}

// sum ends the story.
func (t *teller) sum() {
	took := time.Since(t.started).Round(time.Second)
	if t.failed == 0 {
		t.line("\n%s", t.paint(bold, fmt.Sprintf("All %d expectations held, in %s.", t.held, took)))
		return
	}
	t.line("\n%s", t.paint(red, fmt.Sprintf("%d of %d expectations did not hold, in %s.", t.failed, t.held+t.failed, took)))
}

func (t *teller) exitCode() int {
	if t.failed > 0 {
		return 1
	}
	return 0
}

// complaints are the last lines of a log that are not merely for information.
func complaints(log string) string {
	const lines, length = 15, 300
	var kept []string
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `"level":"info"`) {
			kept = append(kept, strings.TrimSpace(line[:min(length, len(line))]))
		}
	}
	return strings.Join(kept[max(0, len(kept)-lines):], "\n")
}
