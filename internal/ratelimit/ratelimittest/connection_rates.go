package ratelimittest

// ConnectionRates are texts for a rate of new connections.
var ConnectionRates = Table{
	Good: []Good{
		// As the annotation's users write it.
		{"10/second", "10 connections/second burst 5 connections"},
		{"10 connections/second", "10 connections/second burst 5 connections"},
		{"600/minute burst 20", "600 connections/minute burst 20 connections"},
		{"20 per minute", "20 connections/minute burst 5 connections"},
		{"100 connections per hour burst 10 connections", "100 connections/hour burst 10 connections"},

		// Any case, singular, plural, white space or none.
		{"1 connection/s", "1 connections/second burst 5 connections"},
		{"10per second", "10 connections/second burst 5 connections"},
		{"10 PER SECOND BURST 20", "10 connections/second burst 20 connections"},
		{"10 Connections / Min burst 20Connections", "10 connections/minute burst 20 connections"},
		{"10/second burst20", "10 connections/second burst 20 connections"},
		{"\n 10/second \n", "10 connections/second burst 5 connections"},
		{"010/second", "10 connections/second burst 5 connections"},

		// The least and the most.
		{"1/day", "1 connections/day burst 5 connections"},
		{"1000000/second", "1000000 connections/second burst 100000 connections"},
		{"86400000000/day", "86400000000 connections/day burst 100000 connections"},
		{"1/second burst 1", "1 connections/second burst 1 connections"},
		{"1/second burst 1000000", "1 connections/second burst 1000000 connections"},
	},
	Bad: []Bad{
		// Nothing, or no rate.
		{Text: "", Error: "at column 1: a rate starts with a number"},
		{Text: "ten/second", Error: "at column 1: a rate starts with a number"},
		{Text: "NaN", Error: "at column 1: a rate starts with a number"},
		{Text: "/second", Error: "at column 1: a rate starts with a number"},
		{Text: "burst 20", Error: "at column 1: a rate starts with a number"},

		// No period, or none that is one.
		{Text: "10", Error: `at column 3: a period is missing, such as "/second"`},
		{Text: "10 connections", Error: `at column 15: a period is missing, such as "/second"`},
		{Text: "10 burst 20", Error: `at column 4: a period is missing, such as "/second"`},
		{Text: "10/", Error: "at column 4: a period is missing: second, minute, hour or day"},
		{Text: "10 per", Error: "at column 7: a period is missing: second, minute, hour or day"},
		{Text: "10/week", Error: `at column 4: "week" is no period; there are second, minute, hour and day`},
		{Text: "10/m", Error: `at column 4: "m" may mean minute or month; a minute is "min"`},
		{Text: "10 connectionsper second", Error: `at column 4: connections are counted here, not "connectionsper"`},

		// What is not counted here.
		{Text: "10 packets/second", Error: `at column 4: connections are counted here, not "packets"`},
		{Text: "10 mbit/s", Error: `at column 4: connections are counted here, not "mbit"`},
		{Text: "10 conns/second", Error: `at column 4: connections are counted here, not "conns"`},
		{Text: "10/second burst 20 packets", Error: `at column 20: connections are counted here, not "packets"`},
		{Text: "10/second burst 20 kbytes", Error: `at column 20: connections are counted here, not "kbytes"`},

		// Numbers that are none here.
		{Text: "-1/second", Error: `at column 1: "-" has no place here`},
		{Text: "1.5/second", Error: "at column 1: a part of a connection cannot be counted"},
		{Text: "1e3/second", Error: `at column 2: connections are counted here, not "e"`},
		{Text: "1 000/second", Error: `at column 3: a period is missing, such as "/second"`},
		{Text: "10/second burst -1", Error: `at column 17: "-" has no place here`},
		{Text: "10/second burst 1.5", Error: "at column 17: a part of a connection cannot be counted"},
		{Text: "10/second burst", Error: "at column 16: a burst starts with a number"},

		// Too small, too large.
		{Text: "0/second", Error: "at column 1: the rate is under one connection"},
		{Text: "0 connections/second", Error: "at column 1: the rate is under one connection"},
		{Text: "1000001/second", Error: "at column 1: the rate is over 1000000 connections a second", PastPolicy: needsArithmetic},
		{Text: "60000001/minute", Error: "at column 1: the rate is over 1000000 connections a second", PastPolicy: needsArithmetic},
		{Text: "99999999999999999999/second", Error: "at column 1: the rate is over 1000000 connections a second"},
		{Text: "10/second burst 0", Error: "at column 17: the burst is under one connection"},
		{Text: "10/second burst 1000001", Error: "at column 17: the burst is over 1000000 connections"},

		// More than a rate, or something else.
		{Text: "10/second; drop", Error: `at column 10: ";" has no place here`},
		{Text: "10/second burst 20 burst 20", Error: `at column 20: "burst" has no place here`},
		{Text: "10/second 20", Error: `at column 11: "20" has no place here`},
		{Text: "{{ 7*7 }}", Error: `at column 1: "{" has no place here`},
		{Text: "10\t/second", Error: `at column 3: "\t" has no place here`},
		{Text: "10/second\x00", Error: `at column 10: "\x00" has no place here`},
		{Text: "10/\u017fecond", Error: `at column 4: "\u017f" has no place here`, PastPolicy: foldedByRE2},
	},
}
