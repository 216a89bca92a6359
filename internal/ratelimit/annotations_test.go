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
			"service: 2 mbytes/second burst 512 kbytes", nil},
		{"all", map[string]string{
			"nft-operator.io/rate-limit":            "1gbit burst 1 mbytes",
			"nft-operator.io/rate-limit-per-source": "16mbit burst 256 kbytes",
			"nft-operator.io/rate-limit-per-port":   "true",
			"nft-operator.io/connection-rate":       "10/second",
			"nft-operator.io/connection-limit":      "100",
		}, "service: 1 gbit/second burst 1 mbytes, each port; source: 16 mbit/second burst 256 kbytes; " +
			"new: 10 connections/second burst 5 connections; at one time: 100", nil},
		{"both, of one meaning", map[string]string{"ratelimit": "2 mbytes/second", "nft-operator.io/rate-limit": "2MiB/s"},
			"service: 2 mbytes/second burst 104857 bytes", nil},
		{"both, of two", map[string]string{"ratelimit": "2 mbytes/second burst 64 kbytes", "nft-operator.io/rate-limit": "16mbit burst 64 kbytes"},
			"service: 16 mbit/second burst 64 kbytes",
			[]string{`Disagreement at 0: annotation ratelimit: it says "2 mbytes/second burst 64 kbytes"; nft-operator.io/rate-limit counts, with "16 mbit/second burst 64 kbytes"`}},
		{"both, the ancestor's invalid", map[string]string{"ratelimit": "2 mbytes", "nft-operator.io/rate-limit": "16mbit burst 64 kbytes"},
			"service: 16 mbit/second burst 64 kbytes",
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
		}, "source: 16 mbit/second burst 64 kbytes", []string{
			`Invalid at 23: annotation ratelimit: at column 23: ";" has no place here: write for example "16mbit burst 256 kbytes"`,
			`Invalid at 3: annotation nft-operator.io/connection-rate: at column 3: a period is missing, such as "/second": write for example "10/second burst 20"`,
			`Invalid at 1: annotation nft-operator.io/rate-limit-per-port: at column 1: only "true" and "false" are read: write for example "true"`,
			`Invalid at 1: annotation nft-operator.io/connection-limit: at column 1: the limit is under one connection: write for example "100"`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			limits, problems := ParseAnnotations(test.annotations)
			if got := told(limits); got != test.limits {
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

// told has the limits in words.
func told(limits Limits) string {
	var parts []string
	if limits.Service != nil {
		part := "service: " + limits.Service.String()
		if limits.PerPort {
			part += ", each port"
		}
		parts = append(parts, part)
	}
	if limits.PerSource != nil {
		parts = append(parts, "source: "+limits.PerSource.String())
	}
	if limits.ConnectionRate != nil {
		parts = append(parts, "new: "+limits.ConnectionRate.String())
	}
	if limits.ConnectionLimit != 0 {
		parts = append(parts, fmt.Sprintf("at one time: %d", limits.ConnectionLimit))
	}
	return strings.Join(parts, "; ")
}
