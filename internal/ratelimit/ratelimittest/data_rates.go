package ratelimittest

import "strings"

// DataRates are for bytes or packets.
var DataRates = Table{
	Good: []Good{
		// nft's words, as in the ancestor's annotation.
		{"2 mbytes/second burst 512 kbytes", "2 mbytes/second burst 512 kbytes"},
		{"2 mbytes/second", "2 mbytes/second burst 104857 bytes"},
		{"400 packets/second", "400 packets/second burst 40 packets"},
		{"400 packets/second burst 20 packets", "400 packets/second burst 20 packets"},
		{"2 kbytes/second burst 2 kbytes", "2 kbytes/second burst 2 kbytes"},

		// tc's words.
		{"16mbit", "16 mbit/second burst 100000 bytes"},
		{"16mbit burst 256 kbytes", "16 mbit/second burst 256 kbytes"},
		{"1gbit", "1 gbit/second burst 6250000 bytes"},
		{"12000bit", "12 kbit/second burst 64 kbytes"},
		{"10kibit burst 1500 bytes/", ""},
	},
}
