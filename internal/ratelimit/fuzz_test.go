package ratelimit

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// printable is what a message may be made of, and how long it may be.
var printable = regexp.MustCompile(`^[ -~]{1,256}$`)

func FuzzDataRate(f *testing.F)        { fuzz(f, grammars[0]) }
func FuzzConnectionRate(f *testing.F)  { fuzz(f, grammars[1]) }
func FuzzConnectionLimit(f *testing.F) { fuzz(f, grammars[2]) }
func FuzzPerPort(f *testing.F)         { fuzz(f, grammars[3]) }

// fuzz shows what holds for every text of a grammar.
func fuzz(f *testing.F, g grammar) {
	for _, good := range g.table.Good {
		f.Add(good.Text)
	}
	for _, bad := range g.table.Bad {
		f.Add(bad.Text)
	}
	f.Add(strings.Repeat("1", maxText+1)) // much longer ones only slow the fuzzer down
	pattern := regexp.MustCompile(g.pattern)
	f.Fuzz(func(t *testing.T, text string) {
		means, err := g.parse(text)
		if err != nil {
			wantUsefulError(t, text, err)
		} else {
			wantHarmless(t, text)
			if again, err := g.parse(means); err != nil || again != means {
				t.Fatalf("%q means %q, which means %q, %v", text, means, again, err)
			}
		}
		// The policy refuses nothing that is accepted, and nothing that has the
		// right shape but for amounts that it can see.
		if matches := pattern.MatchString(text); err == nil && !matches {
			t.Fatalf("the policy refuses %q", text)
		} else if matches && isASCII(text) && len(text) <= maxText && g.shape(text) != nil {
			t.Fatalf("the policy lets %q pass: %v", text, g.shape(text))
		}
	})
}

func wantUsefulError(t *testing.T, text string, err error) {
	t.Helper()
	mistake, ok := errors.AsType[*SyntaxError](err)
	if !ok {
		t.Fatalf("%q: %v is no SyntaxError", text, err)
	}
	if last := utf8.RuneCountInString(text) + 1; mistake.Position < 1 || mistake.Position > last {
		t.Fatalf("%q: column %d is outside of 1 to %d", text, mistake.Position, last)
	}
	if !printable.MatchString(err.Error()) {
		t.Fatalf("%q: the error is not printable, or too long: %q", text, err)
	}
}

// wantHarmless is about accepted texts: nothing in them could be read as
// something else by whatever shows them.
func wantHarmless(t *testing.T, text string) {
	t.Helper()
	inner := strings.Trim(text, outside)
	if strings.Trim(inner, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./ ") != "" || !printable.MatchString(inner) {
		t.Fatalf("%q is accepted", text)
	}
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > 0x7f })
}

func FuzzAnnotations(f *testing.F) {
	f.Add("2 mbytes/second", "16mbit", "10/second", "100", "true")
	f.Add("2 mbytes/second; drop", "1e99 gbit", "{{ 7*7 }}", "-1", "\x00")
	f.Fuzz(func(t *testing.T, ancestor, rate, connectionRate, limit, perPort string) {
		limits, problems := ParseAnnotations(map[string]string{
			AncestorAnnotation: ancestor, RateAnnotation: rate, PerSourceAnnotation: rate, PerPortAnnotation: perPort,
			ConnectionRateAnnotation: connectionRate, ConnectionLimitAnnotation: limit,
		})
		invalid := map[string]bool{}
		for _, problem := range problems {
			if !printable.MatchString(problem.String()) {
				t.Fatalf("a problem is not printable, or too long: %q", problem)
			}
			if problem.Kind == Invalid {
				invalid[problem.Annotation] = true
			}
		}
		for annotation, limited := range map[string]bool{
			RateAnnotation:            limits.Service != nil,
			PerSourceAnnotation:       limits.PerSource != nil,
			ConnectionRateAnnotation:  limits.ConnectionRate != nil,
			ConnectionLimitAnnotation: limits.ConnectionLimit != 0,
		} {
			if limited == invalid[annotation] {
				t.Fatalf("%s: limited %t, invalid %t: %v", annotation, limited, invalid[annotation], problems)
			}
		}
	})
}
