package api

import (
	"fmt"
	"strings"
	"testing"
)

// TestAccepted has what looks odd and is right all the same.
func TestAccepted(t *testing.T) {
	for name, change := range map[string]string{
		"nothing but what must be there": `{}`,
		"IPv6 host":                      `spec: {hosts: [{name: gw1, address: "2001:db8::1"}]}`,
		"host by name":                   `spec: {hosts: [{name: gw1, address: gw1.example.org}]}`,
		"one address, two ports":         `spec: {hosts: [{name: gw1, address: 192.0.2.1, port: 2201}, {name: gw2, address: 192.0.2.1, port: 2202}]}`,
		"interfaces of each host":        `spec: {publicInterfaces: null, hosts: [{name: gw1, address: 192.0.2.1, publicInterfaces: [eth0]}]}`,
		"VLAN, alias, bridge port":       `spec: {publicInterfaces: [bond0.100, "eth0:1", "veth1@if2", _wan]}`,
		"interface of 15 letters":        `spec: {publicInterfaces: [enp0s31f6u1u2u3]}`,
		"range with bits of the host":    `spec: {services: {allowedCIDRs: [203.0.113.7/24]}}`,
		"everybody may SSH":              `spec: {firewall: {ssh: {publicAccess: Allow, sources: [0.0.0.0/0, "::/0"]}}}`,
		"denied, with an empty list":     `spec: {firewall: {ssh: {publicAccess: Deny, sources: []}, bgp: {publicAccess: Deny, peers: []}}}`,
		"Services without a class":       `spec: {services: {loadBalancerClasses: [""]}}`,
		"selector of every form":         `spec: {services: {selector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: NotIn, values: [d]}, {key: e, operator: DoesNotExist}]}}}`,
		"shortest time to confirm":       `spec: {rollout: {confirmTimeout: 5s}}`,
		"longest time to confirm":        `spec: {rollout: {confirmTimeout: 10m}}`,
		"time to confirm as Go prints":   `spec: {rollout: {confirmTimeout: 1m30s}}`,
		"all hosts at a time":            `spec: {rollout: {maxUnavailable: 100%}}`,
		"one host at a time":             `spec: {rollout: {maxUnavailable: 1}}`,
		"name of 63 letters":             `metadata: {name: eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee}`,
		"shaping by tc":                  `spec: {rateLimiting: {engine: TrafficControl, mode: Shape}}`,
		"shaping by the best there is":   `spec: {rateLimiting: {mode: Shape}}`,
		"limits of one direction each":   `spec: {rateLimiting: {interfaces: [{name: eth0, ingress: 1gbit}, {name: "eth0:1", egress: 400 packets/second}]}}`,
		"as many limits as there may be": `spec: {rateLimiting: {interfaces: ` + many("{name: eth%d, egress: 1gbit}", 32) + `}}`,
		"as many hosts as there may be":  `spec: {hosts: ` + manyHosts(64) + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			if err := try(t, leastWith(t, change)); err != nil {
				t.Error(err)
			}
		})
	}
}

func manyHosts(count int) string {
	hosts := make([]string, count)
	for i := range hosts {
		hosts[i] = fmt.Sprintf("{name: gw%d, address: 192.0.2.%d}", i+1, i+1)
	}
	return "[" + strings.Join(hosts, ", ") + "]"
}

// many is a list of so many entries, each with a number of its own.
func many(format string, count int) string {
	entries := make([]string, count)
	for i := range entries {
		entries[i] = fmt.Sprintf(format, i)
	}
	return "[" + strings.Join(entries, ", ") + "]"
}
