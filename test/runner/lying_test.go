package runner_test

import (
	"testing"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
)

// TestAGatewayThatLiesHarmsItselfOnly has one of two answer what would mean
// something to Ansible or to the operator if it were believed. Its neighbour is
// brought to its intent in the same run, and by the way that the inventory names.
func TestAGatewayThatLiesHarmsItselfOnly(t *testing.T) {
	for name, answer := range map[string]string{
		"another host's variables": `{"changed": true, "add_host": {"host_name": "gw2", "groups": [], "host_vars": {"ansible_host": "192.0.2.250"}}}`,
		"a host of no name":        `{"changed": true, "add_host": {}}`,
		"facts":                    `{"changed": true, "ansible_facts": {"ansible_host": "192.0.2.250"}, "ansible_stats": {}}`,
		"an unknown handler":       `{"changed": true, "_ansible_notify": ["nobody"]}`,
		"a template":               `{"failed": true, "reason": "{{ 7 * 7 }}", "msg": "{{ lookup(\"pipe\", \"id\") }}"}`,
		"other types":              `{"versions": [], "drops": {}, "limits": 7, "drift": {}, "elements": "many"}`,
		"a change without a token": `{"changed": true, "pending": {}}`,
		"a change without an end":  `{"changed": true, "pending": {"token": "; id", "seconds": 1e300}}`,
		"no number":                `{"seconds": {"module": NaN}}`,
	} {
		t.Run(name, func(t *testing.T) {
			topology := open(t, 2)
			liar, honest := topology.Gateways[0], topology.Gateways[1]
			run := runOf(t, topology, services(3))
			lie(t, liar, answer)
			reports, err := forked.Run(t.Context(), run)
			must(t, err)
			if got := reports[honest.Name]; got.Reason != "" || got.Outcome.Revision != run.Targets[1].Revision {
				t.Errorf("its neighbour: %+v", got)
			}
			if got, told := reports[liar.Name]; !told || got.Reason == "" && got.Outcome.Revision == run.Targets[0].Revision {
				t.Errorf("the one that lies: %+v", got)
			} else if got.Message == "49" || got.Reason == ansible.Reason("49") {
				t.Errorf("what it answered was run as a template: %+v", got)
			}
		})
	}
}

// lie has a gateway answer that, whatever it is asked.
func lie(t *testing.T, gateway *lab.Gateway, answer string) {
	t.Helper()
	must(t, gateway.ReplaceFile("/usr/bin/python3", []byte("#!/bin/sh\ncat > /dev/null\necho '"+answer+"'\n"), 0o755))
}
