package ratelimittest

// ConnectionLimits are texts for a number of connections at one time.
var ConnectionLimits = Table{
	Good: []Good{
		// A number, and the word for what it counts where it helps.
		{"100", "100"},
		{"100 connections", "100"},
		{"1 connection", "1"},
		{"100CONNECTIONS", "100"},
		{" 100 \n", "100"},
		{"0100", "100"},

		// The most.
		{"1000000", "1000000"},
	},
	Bad: []Bad{
		// Nothing, or no number.
		{Text: "", Error: "at column 1: a limit starts with a number"},
		{Text: "many", Error: "at column 1: a limit starts with a number"},
		{Text: "connections", Error: "at column 1: a limit starts with a number"},
		{Text: "unlimited", Error: "at column 1: a limit starts with a number"},
		{Text: "NaN", Error: "at column 1: a limit starts with a number"},
		{Text: "-1", Error: `at column 1: "-" has no place here`},
		{Text: "+1", Error: `at column 1: "+" has no place here`},
		{Text: "1.5", Error: "at column 1: a part of a connection cannot be counted"},
		{Text: "1e3", Error: `at column 2: connections are counted here, not "e"`},
		{Text: "1,000", Error: `at column 2: "," has no place here`},
		{Text: "0x10", Error: `at column 2: connections are counted here, not "x"`},

		// Too small, too large.
		{Text: "0", Error: "at column 1: the limit is under one connection"},
		{Text: "0 connections", Error: "at column 1: the limit is under one connection"},
		{Text: "1000001", Error: "at column 1: the limit is over 1000000 connections"},
		{Text: "4294967396", Error: "at column 1: the limit is over 1000000 connections"},
		{Text: "99999999999999999999", Error: "at column 1: the limit is over 1000000 connections"},

		// What is not counted here, or more.
		{Text: "100 packets", Error: `at column 5: connections are counted here, not "packets"`},
		{Text: "100/second", Error: `at column 4: "/" has no place here`},
		{Text: "100 per second", Error: `at column 5: "per" has no place here`},
		{Text: "100 connections/second", Error: `at column 16: "/" has no place here`},
		{Text: "100 burst 20", Error: `at column 5: "burst" has no place here`},
		{Text: "100 100", Error: `at column 5: "100" has no place here`},
		{Text: "100; drop", Error: `at column 4: ";" has no place here`},
		{Text: "{{ 7*7 }}", Error: `at column 1: "{" has no place here`},
		{Text: "100\x00", Error: `at column 4: "\x00" has no place here`},
		{Text: "100 connection\u017f", Error: `at column 15: "\u017f" has no place here`, PastPolicy: foldedByRE2},
	},
}
