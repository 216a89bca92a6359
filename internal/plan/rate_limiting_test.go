package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

func limiting(l v1alpha1.RateLimiting) func(*v1alpha1.NftGatewaySpec) {
	return func(spec *v1alpha1.NftGatewaySpec) { spec.RateLimiting = l }
}

func TestRateLimitingOfAGateway(t *testing.T) {
	tests := []struct {
		name string
		spec v1alpha1.RateLimiting
		// want is engine, mode, onInvalid, default and max.
		want string
		err  string
	}{
		{name: "left out", want: "Auto Police Default, none, none"},
		{name: "words", spec: v1alpha1.RateLimiting{Engine: "Nftables", Mode: "Police", OnInvalid: "Closed"}, want: "Nftables Police Closed, none, none"},
		{name: "tc", spec: v1alpha1.RateLimiting{Engine: "TrafficControl"}, want: "TrafficControl Police Default, none, none"},
		{name: "shaping by tc", spec: v1alpha1.RateLimiting{Engine: "TrafficControl", Mode: "Shape"}, want: "TrafficControl Shape Default, none, none"},
		{name: "shaping by the best there is", spec: v1alpha1.RateLimiting{Mode: "Shape"}, want: "Auto Shape Default, none, none"},
		{name: "default alone", spec: v1alpha1.RateLimiting{Default: "16mbit burst 64 kbytes"},
			want: "Auto Police Default, 16 mbit/second burst 64 kbytes, none"},
		{name: "max alone is the default, too", spec: v1alpha1.RateLimiting{Max: "16mbit burst 64 kbytes"},
			want: "Auto Police Default, 16 mbit/second burst 64 kbytes, 16 mbit/second burst 64 kbytes"},
		{name: "default within max", spec: v1alpha1.RateLimiting{Default: "1mbit burst 64 kbytes", Max: "16mbit burst 64 kbytes"},
			want: "Auto Police Default, 1 mbit/second burst 64 kbytes, 16 mbit/second burst 64 kbytes"},
		{name: "default over max", spec: v1alpha1.RateLimiting{Default: "1gbit burst 1 mbytes", Max: "16mbit burst 64 kbytes"},
			want: "Auto Police Default, 16 mbit/second burst 64 kbytes, 16 mbit/second burst 64 kbytes"},
		{name: "default in another unit than max", spec: v1alpha1.RateLimiting{Default: "10 packets/second", Max: "16mbit burst 64 kbytes"},
			want: "Auto Police Default, 16 mbit/second burst 64 kbytes, 16 mbit/second burst 64 kbytes"},

		{name: "default without period", spec: v1alpha1.RateLimiting{Default: "2 mbytes"},
			err: `spec.rateLimiting.default: at column 9: a period is missing, such as "/second": write for example "16mbit burst 256 kbytes"`},
		{name: "max that is hostile", spec: v1alpha1.RateLimiting{Max: "2 mbytes/second; drop"},
			err: `spec.rateLimiting.max: at column 16: ";" has no place here: write for example "16mbit burst 256 kbytes"`},
		{name: "max that is blank", spec: v1alpha1.RateLimiting{Max: " "},
			err: `spec.rateLimiting.max: at column 1: a rate starts with a number: write for example "16mbit burst 256 kbytes"`},
		{name: "max that is long", spec: v1alpha1.RateLimiting{Max: v1alpha1.DataRate(strings.Repeat("1", 64<<10))},
			err: `spec.rateLimiting.max: at column 129: more than 128 bytes are not read: write for example "16mbit burst 256 kbytes"`},
		{name: "engine", spec: v1alpha1.RateLimiting{Engine: "Iptables"}, err: `spec.rateLimiting.engine: "Iptables" is not known; write Auto or Nftables or TrafficControl`},
		{name: "mode", spec: v1alpha1.RateLimiting{Mode: "police"}, err: `spec.rateLimiting.mode: "police" is not known; write Police or Shape`},
		{name: "shaping by nftables", spec: v1alpha1.RateLimiting{Engine: "Nftables", Mode: "Shape"},
			err: "spec.rateLimiting.mode: Shape needs tc; write engine: Auto or TrafficControl"},
		{name: "onInvalid", spec: v1alpha1.RateLimiting{OnInvalid: "Open"}, err: `spec.rateLimiting.onInvalid: "Open" is not known; write Default or Closed`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := ForGateway(gateway(limiting(tt.spec)), nil, nil)
			wantError(t, err, tt.err)
			if err != nil {
				return
			}
			got := plan.RateLimiting
			words := fmt.Sprintf("%s %s %s, %s, %s", got.Engine, got.Mode, got.OnInvalid, orNone(got.Default), orNone(got.Max))
			if words != tt.want {
				t.Errorf("got %s, want %s", words, tt.want)
			}
		})
	}
}

func orNone(rate *ratelimit.Rate) string {
	if rate == nil {
		return "none"
	}
	return rate.String()
}
