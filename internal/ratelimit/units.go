package ratelimit

import (
	"fmt"
	"strings"
)

// kind tells what a unit measures, for which of the grammar's places it fits.
type kind string

const (
	kindBits    kind = "bits"
	kindBytes   kind = "bytes"
	kindPackets kind = "packets"
)

// unit is what a number of data counts. bits is its size; 0 for packets.
type unit struct {
	kind kind
	bits uint64
}

// vocabulary has the names of some things. words are read in any case, in the
// singular and the plural; symbols in their own case only, because there b is a
// bit and B a byte.
type vocabulary[T any] struct {
	words, symbols map[string]T
}

func (v vocabulary[T]) find(name string) (T, bool) {
	if found, ok := v.symbols[name]; ok {
		return found, true
	}
	found, ok := v.words[strings.TrimSuffix(strings.ToLower(name), "s")]
	return found, ok
}

// dataUnits are bits as tc counts them, bytes as nft does, and the symbols of
// everybody else. nft has no gbytes; whoever knows its kbytes expects them.
var dataUnits = vocabulary[unit]{
	words: map[string]unit{
		"bit":    {kindBits, 1},
		"kbit":   {kindBits, 1e3},
		"mbit":   {kindBits, 1e6},
		"gbit":   {kindBits, 1e9},
		"kibit":  {kindBits, 1 << 10},
		"mibit":  {kindBits, 1 << 20},
		"gibit":  {kindBits, 1 << 30},
		"byte":   {kindBytes, 8},
		"kbyte":  {kindBytes, 8 << 10},
		"mbyte":  {kindBytes, 8 << 20},
		"gbyte":  {kindBytes, 8 << 30},
		"packet": {kind: kindPackets},
	},
	symbols: map[string]unit{
		"kb":  {kindBits, 1e3},
		"Mb":  {kindBits, 1e6},
		"Gb":  {kindBits, 1e9},
		"B":   {kindBytes, 8},
		"kB":  {kindBytes, 8e3},
		"KB":  {kindBytes, 8e3},
		"MB":  {kindBytes, 8e6},
		"GB":  {kindBytes, 8e9},
		"KiB": {kindBytes, 8 << 10},
		"MiB": {kindBytes, 8 << 20},
		"GiB": {kindBytes, 8 << 30},
	},
}

var periods = vocabulary[Period]{
	words: map[string]Period{
		"sec": Second, "second": Second,
		"min": Minute, "minute": Minute,
		"hour": Hour,
		"day":  Day,
	},
	symbols: map[string]Period{"s": Second, "h": Hour, "d": Day},
}

// connectionUnits are the words for connections; there is one.
var connectionUnits = vocabulary[Unit]{words: map[string]Unit{"connection": Connections}}

// ambiguous has names, in lower case, that some people write for bits and others
// for bytes, each with a clear spelling of both. tc's bps are bytes.
var ambiguous = map[string]struct{ bits, bytes string }{
	"b":    {"bit/s", "B/s"},
	"kb":   {"kbit/s", "kB/s"},
	"mb":   {"Mbit/s", "MB/s"},
	"gb":   {"Gbit/s", "GB/s"},
	"kib":  {"kibit/s", "KiB/s"},
	"mib":  {"mibit/s", "MiB/s"},
	"gib":  {"gibit/s", "GiB/s"},
	"bps":  {"bit/s", "B/s"},
	"kbps": {"kbit/s", "kB/s"},
	"mbps": {"Mbit/s", "MB/s"},
	"gbps": {"Gbit/s", "GB/s"},
}

// unknownUnit says what is wrong with a name that is no unit of data.
func unknownUnit(name string) string {
	if spelled, ok := ambiguous[strings.ToLower(name)]; ok {
		return fmt.Sprintf(`%s may mean bits or bytes; bits are "%s", bytes are "%s"`, quote(name), spelled.bits, spelled.bytes)
	}
	switch strings.ToLower(name) {
	case "e":
		return "exponents are not read; all digits must be written out"
	case "pps":
		return `"pps" is not read; it is spelled "packets/second"`
	}
	return quote(name) + " is no unit of data; kbit, mbit, gbit, kbytes, mbytes and packets are some"
}

// unknownPeriod says what is wrong with a name that is no period.
func unknownPeriod(name string) string {
	if name == "m" {
		return `"m" may mean minute or month; a minute is "min"`
	}
	return quote(name) + " is no period; there are second, minute, hour and day"
}
