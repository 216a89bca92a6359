package ratelimit

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseAnnotations(t *testing.T) {
	for _, test := range []struct {
		name        string
		annotations map[string]string
		limits      string
		problems    []string
	}{
		{"none", nil, "", nil},
		{"others", map[string]string{"nft-operator.io/check": "1", "rate-limit": "16mbit"}, "", nil},
		{"the ancestor's", map[string]string{"ratelimit": "2 mbytes/second burst 512 kbytes"},
			"2 mbytes/second burst 512 kbytes", nil},
		{"all", map[string]string{
			"nft-operator.io/rate-limit":            "1gbit burst 1 mbytes",
			"nft-operator.io/rate-limit-per-source": "16mbit burst 256 kbytes",
			"nft-operator.io/rate-limit-per-port":   "true",
			"nft-operator.io/connection-rate":       "10/second",
			"nft-operator.io/connection-limit":      "100",
		}, "1 gbit/second burst 1 mbytes for each port, 16 mbit/second burst 256 kbytes for each client, " +
			"10 connections/second burst 5 connections for each client, 100 connections at one time for each client", nil},
		{"both, of one meaning", map[string]string{"ratelimit": "2 mbytes/second", "nft-operator.io/rate-limit": "2MiB/s"},
			"2 mbytes/second burst 512 kbytes", nil},
		{"both, of two", map[string]string{"ratelimit": "2 mbytes/second burst 64 kbytes", "nft-operator.io/rate-limit": "16mbit burst 64 kbytes"},
			"16 mbit/second burst 64 kbytes",
			[]string{`Disagreement at 0: annotation ratelimit: it says "2 mbytes/second burst 64 kbytes"; nft-operator.io/rate-limit counts, with "16 mbit/second burst 64 kbytes"`}},
		{"both, the ancestor's invalid", map[string]string{"ratelimit": "2 mbytes", "nft-operator.io/rate-limit": "16mbit burst 64 kbytes"},
			"16 mbit/second burst 64 kbytes",
			[]string{`Disagreement at 9: annotation ratelimit: at column 9: a period is missing, such as "/second": write for example "16mbit burst 256 kbytes"; nft-operator.io/rate-limit counts`}},
		{"both, the one that counts invalid", map[string]string{"ratelimit": "2 mbytes/second", "nft-operator.io/rate-limit": "16mbps"}, "",
			[]string{`Invalid at 3: annotation nft-operator.io/rate-limit: at column 3: "mbps" may mean bits or bytes; bits are "Mbit/s", bytes are "MB/s": write for example "16mbit burst 256 kbytes"`}},
		{"both, both invalid", map[string]string{"ratelimit": "", "nft-operator.io/rate-limit": ""}, "",
			[]string{`Invalid at 1: annotation nft-operator.io/rate-limit: at column 1: a rate starts with a number: write for example "16mbit burst 256 kbytes"`}},
		{"some invalid, the others count", map[string]string{
			"ratelimit":                             "16mbit burst 64 kbytes; drop",
			"nft-operator.io/rate-limit-per-source": "16mbit burst 64 kbytes",
			"nft-operator.io/rate-limit-per-port":   "yes",
			"nft-operator.io/connection-rate":       "10",
			"nft-operator.io/connection-limit":      "0",
		}, "16 mbit/second burst 64 kbytes for each client", []string{
			`Invalid at 23: annotation ratelimit: at column 23: ";" has no place here: write for example "16mbit burst 256 kbytes"`,
			`Invalid at 3: annotation nft-operator.io/connection-rate: at column 3: a period is missing, such as "/second": write for example "10/second burst 20"`,
			`Invalid at 1: annotation nft-operator.io/rate-limit-per-port: at column 1: only "true" and "false" are read: write for example "true"`,
			`Invalid at 1: annotation nft-operator.io/connection-limit: at column 1: the limit is under one connection: write for example "100"`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			limits, problems := ParseAnnotations(test.annotations)
			if got := limits.String(); got != test.limits {
				t.Errorf("got limits\n%s\nwant\n%s", got, test.limits)
			}
			var got []string
			for _, problem := range problems {
				got = append(got, fmt.Sprintf("%s at %d: %s", problem.Kind, problem.Position, problem))
			}
			if strings.Join(got, "\n") != strings.Join(test.problems, "\n") {
				t.Errorf("got problems\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.problems, "\n"))
			}
		})
	}
}
