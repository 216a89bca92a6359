package ratelimittest

// PerPort has texts for a limit of each port.
var PerPort = Table{
	Good: []Good{
		// Kubernetes has annotations as text, so both are written in quotes in YAML.
		{"true", "true"},
		{"false", "false"},
		{" true\n", "true"},
	},
	Bad: []Bad{
		// Other spellings of a truth.
		{Text: "", Error: `at column 1: only "true" and "false" are read`},
		{Text: "True", Error: `at column 1: only "true" and "false" are read`},
		{Text: "yes", Error: `at column 1: only "true" and "false" are read`},
		{Text: "1", Error: `at column 1: only "true" and "false" are read`},
		{Text: "on", Error: `at column 1: only "true" and "false" are read`},

		// More, or something else.
		{Text: "true false", Error: `at column 6: "false" has no place here`},
		{Text: "true; drop", Error: `at column 5: ";" has no place here`},
		{Text: "trueish", Error: `at column 1: only "true" and "false" are read`},
		{Text: "{{ 7*7 }}", Error: `at column 1: "{" has no place here`},
	},
}
