package ratelimit

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/nft-operator/nft-operator/internal/ratelimit/ratelimittest"
)

// grammar is one of the things that can be written, for all tests of such.
type grammar struct {
	name  string
	table ratelimittest.Table
	// parse gives the canonical spelling of what it read.
	parse func(text string) (string, error)
	// shape is the part of parse that looks at no amount.
	shape func(text string) error
	// pattern is the policy's.
	pattern string
}

var grammars = []grammar{
	{"data rate", ratelimittest.DataRates, spelling(ParseData), ignoring(readData), dataPattern()},
	{"connection rate", ratelimittest.ConnectionRates, spelling(ParseConnectionRate), ignoring(readConnectionRate), connectionRatePattern()},
	{"connection limit", ratelimittest.ConnectionLimits, spelling(ParseConnectionLimit), ignoring(readConnectionLimit), connectionLimitPattern()},
	{"per port", ratelimittest.PerPort, spelling(ParsePerPort), ignoring(ParsePerPort), perPortPattern},
}

func spelling[T any](parse func(string) (T, error)) func(string) (string, error) {
	return func(text string) (string, error) {
		value, err := parse(text)
		return fmt.Sprint(value), err
	}
}

func ignoring[T any](parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		_, err := parse(text)
		return err
	}
}

func TestGoodTextsAreRead(t *testing.T) {
	for _, g := range grammars {
		for _, good := range g.table.Good {
			means, err := g.parse(good.Text)
			if err != nil || means != good.Means {
				t.Errorf("%s %q: got %q, %v, want %q", g.name, good.Text, means, err, good.Means)
			}
		}
	}
}

func TestBadTextsAreRefused(t *testing.T) {
	for _, g := range grammars {
		for _, bad := range slices.Concat(g.table.Bad, ratelimittest.TooLong) {
			_, err := g.parse(bad.Text)
			mistake, ok := errors.AsType[*SyntaxError](err)
			if !ok {
				t.Errorf("%s %.40q: got %v, want a SyntaxError", g.name, bad.Text, err)
				continue
			}
			if said := fmt.Sprintf("at column %d: %s", mistake.Position, mistake.Problem); said != bad.Error {
				t.Errorf("%s %.40q: got %s, want %s", g.name, bad.Text, said, bad.Error)
			}
		}
	}
}

// TestPolicyRefusesWhatItsPatternsCanSee, and each text that gets past it has a
// reason in the table.
func TestPolicyRefusesWhatItsPatternsCanSee(t *testing.T) {
	for _, g := range grammars {
		pattern := regexp.MustCompile(g.pattern)
		for _, good := range g.table.Good {
			if !pattern.MatchString(good.Text) {
				t.Errorf("%s: the policy would refuse %q", g.name, good.Text)
			}
		}
		for _, bad := range g.table.Bad {
			if passes := pattern.MatchString(bad.Text); passes != (bad.PastPolicy != "") {
				t.Errorf("%s %q: passes the policy: %t, but the reason for that is %q", g.name, bad.Text, passes, bad.PastPolicy)
			}
		}
	}
}
