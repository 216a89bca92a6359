package ratelimit

import (
	"maps"
	"slices"
	"strings"
)

// The admission policy knows the shapes of the grammars as regular expressions.
// They are made here from the tables that the parser reads, and policy_test.go
// holds the policy to them.

// Numbers have a digit that is not zero, and no more digits than the most in the
// smallest unit and the longest period has: 100 Gbit/s for a day.
const (
	decimalPattern = `(?:0*[1-9][0-9]{0,15}(?:[.][0-9]+)?|0+[.]0*[1-9][0-9]*)`
	countPattern   = `0*[1-9][0-9]{0,15}`
	// millionPattern is for what maxCount bounds.
	millionPattern = `0*(?:[1-9][0-9]{0,5}|1000000)`
)

// pattern matches the names of what is kept.
func (v vocabulary[T]) pattern(keep func(T) bool) string {
	names := func(of map[string]T) []string {
		return slices.DeleteFunc(slices.Sorted(maps.Keys(of)), func(name string) bool { return !keep(of[name]) })
	}
	alternatives := append([]string{`(?i:(?:` + strings.Join(names(v.words), "|") + `)s?)`}, names(v.symbols)...)
	return `(?:` + strings.Join(alternatives, "|") + `)`
}

func dataPattern() string {
	of := func(wanted kind) string {
		return dataUnits.pattern(func(u unit) bool { return u.kind == wanted })
	}
	return `^\s*(?:` +
		decimalPattern + ` *(?:` + of(kindBits) + `(?:` + perPattern() + `)?|` + of(kindBytes) + perPattern() + `)` +
		`(?:` + burstPattern + decimalPattern + ` *` + of(kindBytes) + `)?` +
		`|` +
		countPattern + ` *` + of(kindPackets) + perPattern() +
		`(?:` + burstPattern + millionPattern + ` *` + of(kindPackets) + `)?` +
		`)\s*$`
}

func connectionRatePattern() string {
	return `^\s*` + countPattern +
		`(?: *` + connectionPattern() + perPattern() + `|(?: */ *| *(?i:per) +)` + periodPattern() + `)` +
		`(?:` + burstPattern + millionPattern + `(?: *` + connectionPattern() + `)?)?\s*$`
}

func connectionLimitPattern() string {
	return `^\s*` + millionPattern + `(?: *` + connectionPattern() + `)?\s*$`
}

const perPortPattern = `^\s*(?:true|false)\s*$`

// burstPattern is for the word only. It follows a word.
const burstPattern = ` +(?i:burst) *`

// perPattern follows a word.
func perPattern() string { return `(?: */ *| +(?i:per) +)` + periodPattern() }

func periodPattern() string { return periods.pattern(func(Period) bool { return true }) }

func connectionPattern() string { return connectionUnits.pattern(func(Unit) bool { return true }) }
