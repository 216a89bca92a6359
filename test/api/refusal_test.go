package api

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Sentences that more than one field is refused with.
const (
	rangeSentence     = "a range is written as address/length, for example 192.0.2.0/24, 192.0.2.1/32 or 2001:db8::/32"
	interfaceSentence = "an interface is written as 'ip link' shows it, at most 15 letters, digits and _ . : @ -, for example eth0 or bond0.100; wildcards are not supported"
	addressSentence   = "an address is an IPv4 or IPv6 address without prefix length, or a DNS name, for example 192.0.2.1, 2001:db8::1 or gw1.example.org"
	hostNameSentence  = "a host name has lower-case letters, digits and '-', and starts and ends with a letter or digit, for example gw1"
	userSentence      = "a user is a Unix account name: lower-case letters, digits, '_' and '-', not starting with a digit"
	sameBoxSentence   = "two hosts have the same address and port; each entry of spec.hosts must be a box of its own"
	confirmSentence   = "a time in minutes and seconds, from 5s to 10m, for example 30s or 1m30s"
	hostsSentence     = "a number of hosts, from 1 to 64, or a percentage of them, from 1% to 100%, for example 2 or 25%"
	limitSentence     = "an interface needs a limit: write ingress, egress or both, for example egress: 1 Gbit/s"
	interfacesMissing = "each host needs the name of its public interface: write spec.publicInterfaces for all hosts, or publicInterfaces in each entry of spec.hosts"
)

// refusals are wrong manifests, one a mistake, and what the API server says to
// each: the field, and what to write there.
var refusals = map[string]struct {
	change   string
	field    string
	sentence string
}{
	"hosts left out": {`spec: {hosts: null}`, "spec.hosts", "Required value"},
	"no hosts":       {`spec: {hosts: []}`, "spec.hosts", "a gateway needs at least one host: write an entry with name and address for each box"},
	"two hosts of one name": {`spec: {hosts: [{name: gw1, address: 192.0.2.1}, {name: gw1, address: 192.0.2.2}]}`,
		"spec.hosts", "two hosts have the same name; each entry of spec.hosts needs a name of its own"},
	"two hosts of one address": {`spec: {hosts: [{name: gw1, address: 192.0.2.1}, {name: gw2, address: 192.0.2.1}]}`,
		"spec.hosts", sameBoxSentence},
	"two hosts of one address and port": {`spec: {hosts: [{name: gw1, address: gw.example.org, port: 2222}, {name: gw2, address: gw.example.org, port: 2222}]}`,
		"spec.hosts", sameBoxSentence},
	"two hosts of one address, the port of one left out": {`spec: {hosts: [{name: gw1, address: 192.0.2.1}, {name: gw2, address: 192.0.2.1, port: 22}]}`,
		"spec.hosts", sameBoxSentence},
	"host without address":        {`spec: {hosts: [{name: gw1}]}`, "spec.hosts[0].address", "Required value"},
	"host without name":           {`spec: {hosts: [{address: 192.0.2.1}]}`, "spec.hosts[0].name", "Required value"},
	"host name in capitals":       {`spec: {hosts: [{name: GW1, address: 192.0.2.1}]}`, "spec.hosts[0].name", hostNameSentence},
	"host name with a dot":        {`spec: {hosts: [{name: gw.1, address: 192.0.2.1}]}`, "spec.hosts[0].name", hostNameSentence},
	"host name empty":             {`spec: {hosts: [{name: "", address: 192.0.2.1}]}`, "spec.hosts[0].name", hostNameSentence},
	"host name too long":          {`spec: {hosts: [{name: ` + strings.Repeat("g", 64) + `, address: 192.0.2.1}]}`, "spec.hosts[0].name", "may not be more than 63"},
	"address with prefix length":  {`spec: {hosts: [{name: gw1, address: 192.0.2.1/24}]}`, "spec.hosts[0].address", addressSentence},
	"address with an option":      {`spec: {hosts: [{name: gw1, address: "-oProxyCommand=id"}]}`, "spec.hosts[0].address", addressSentence},
	"address with a template":     {`spec: {hosts: [{name: gw1, address: "{{ lookup('pipe','id') }}"}]}`, "spec.hosts[0].address", addressSentence},
	"address with a line end":     {`spec: {hosts: [{name: gw1, address: "192.0.2.1\nProxyCommand id"}]}`, "spec.hosts[0].address", addressSentence},
	"address empty":               {`spec: {hosts: [{name: gw1, address: ""}]}`, "spec.hosts[0].address", addressSentence},
	"host with port 0":            {`spec: {hosts: [{name: gw1, address: 192.0.2.1, port: 0}]}`, "spec.hosts[0].port", "should be greater than or equal to 1"},
	"host with port 65536":        {`spec: {hosts: [{name: gw1, address: 192.0.2.1, port: 65536}]}`, "spec.hosts[0].port", "should be less than or equal to 65535"},
	"user of a host with a shell": {`spec: {hosts: [{name: gw1, address: 192.0.2.1, user: "root;id"}]}`, "spec.hosts[0].user", userSentence},

	"no interface":             {`spec: {publicInterfaces: null}`, "", interfacesMissing},
	"no interface of one host": {`spec: {publicInterfaces: null, hosts: [{name: gw1, address: 192.0.2.1, publicInterfaces: [eth0]}, {name: gw2, address: 192.0.2.2}]}`, "", interfacesMissing},
	"empty interfaces":         {`spec: {publicInterfaces: []}`, "spec.publicInterfaces", "should have at least 1 items"},
	"interface with a space":   {`spec: {publicInterfaces: ["eth0 eth1"]}`, "spec.publicInterfaces[0]", interfaceSentence},
	"interface with a quote":   {`spec: {publicInterfaces: ["eth0\""]}`, "spec.publicInterfaces[0]", interfaceSentence},
	"interface as wildcard":    {`spec: {publicInterfaces: ["eth*"]}`, "spec.publicInterfaces[0]", interfaceSentence},
	"interface too long":       {`spec: {publicInterfaces: [enp0s31f6u1u2u3.100]}`, "spec.publicInterfaces[0]", interfaceSentence},
	"interface empty":          {`spec: {publicInterfaces: [""]}`, "spec.publicInterfaces[0]", interfaceSentence},
	"interface of a host":      {`spec: {hosts: [{name: gw1, address: 192.0.2.1, publicInterfaces: ["eth+"]}]}`, "spec.hosts[0].publicInterfaces[0]", interfaceSentence},
	"interface named twice":    {`spec: {publicInterfaces: [eth0, eth0]}`, "spec.publicInterfaces[1]", `Duplicate value: "eth0"`},

	"ssh left out":              {`spec: {ssh: null}`, "spec.ssh", "Required value"},
	"Secret left out":           {`spec: {ssh: {privateKeySecretRef: null}}`, "spec.ssh.privateKeySecretRef", "Required value"},
	"Secret without name":       {`spec: {ssh: {privateKeySecretRef: {name: ""}}}`, "spec.ssh.privateKeySecretRef.name", "should be at least 1 chars long"},
	"user with shell syntax":    {`spec: {ssh: {user: "$(id)"}}`, "spec.ssh.user", userSentence},
	"user with a digit first":   {`spec: {ssh: {user: 1root}}`, "spec.ssh.user", userSentence},
	"port 0":                    {`spec: {ssh: {port: 0}}`, "spec.ssh.port", "should be greater than or equal to 1"},
	"port 65536":                {`spec: {ssh: {port: 65536}}`, "spec.ssh.port", "should be less than or equal to 65535"},
	"port as text":              {`spec: {ssh: {port: "ssh"}}`, "spec.ssh.port", `must be of type integer: "string"`},
	"become unknown":            {`spec: {ssh: {become: Su}}`, "spec.ssh.become", `supported values: "Sudo", "None"`},
	"time to connect too long":  {`spec: {ssh: {connectTimeoutSeconds: 121}}`, "spec.ssh.connectTimeoutSeconds", "should be less than or equal to 120"},
	"jump host without address": {`spec: {ssh: {jumpHost: {user: hop}}}`, "spec.ssh.jumpHost.address", "Required value"},
	"jump host with an option":  {`spec: {ssh: {jumpHost: {address: "hop -W"}}}`, "spec.ssh.jumpHost.address", addressSentence},
	"jump host with port 65536": {`spec: {ssh: {jumpHost: {address: 192.0.2.9, port: 65536}}}`, "spec.ssh.jumpHost.port", "should be less than or equal to 65535"},
	"user of the jump host":     {`spec: {ssh: {jumpHost: {address: 192.0.2.9, user: "a b"}}}`, "spec.ssh.jumpHost.user", userSentence},

	"services left out":              {`spec: {services: null}`, "spec.services", "Required value"},
	"allowedCIDRs left out":          {`spec: {services: {allowedCIDRs: null}}`, "spec.services.allowedCIDRs", "Required value"},
	"no allowedCIDRs":                {`spec: {services: {allowedCIDRs: []}}`, "spec.services.allowedCIDRs", "write the ranges that load balancer addresses come from, at least one"},
	"allowedCIDRs: too long":         {`spec: {services: {allowedCIDRs: [203.0.113.0/33]}}`, "spec.services.allowedCIDRs[0]", rangeSentence},
	"allowedCIDRs: an address":       {`spec: {services: {allowedCIDRs: [203.0.113.1]}}`, "spec.services.allowedCIDRs[0]", rangeSentence},
	"allowedCIDRs: from - to":        {`spec: {services: {allowedCIDRs: [203.0.113.1-203.0.113.9]}}`, "spec.services.allowedCIDRs[0]", rangeSentence},
	"allowedCIDRs: IPv6 length":      {`spec: {services: {allowedCIDRs: ["2001:db8::/129"]}}`, "spec.services.allowedCIDRs[0]", rangeSentence},
	"allowedCIDRs: nft":              {`spec: {services: {allowedCIDRs: ["0.0.0.0/0 } ; flush"]}}`, "spec.services.allowedCIDRs[0]", rangeSentence},
	"selector with unknown operator": {`spec: {services: {selector: {matchExpressions: [{key: a, operator: Like}]}}}`, "spec.services.selector", "write matchLabels, or matchExpressions with operator In or NotIn and values, or Exists or DoesNotExist without"},
	"selector: In without values":    {`spec: {services: {selector: {matchExpressions: [{key: a, operator: In}]}}}`, "spec.services.selector", "write matchLabels, or matchExpressions with operator In or NotIn and values, or Exists or DoesNotExist without"},
	"namespaces: Exists with values": {`spec: {services: {namespaceSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}}`, "spec.services.namespaceSelector", "write matchLabels, or matchExpressions with operator In or NotIn and values, or Exists or DoesNotExist without"},

	"confirm timeout too short":  {`spec: {rollout: {confirmTimeout: 4s}}`, "spec.rollout.confirmTimeout", confirmSentence},
	"confirm timeout too long":   {`spec: {rollout: {confirmTimeout: 10m1s}}`, "spec.rollout.confirmTimeout", confirmSentence},
	"confirm timeout in millis":  {`spec: {rollout: {confirmTimeout: 5500ms}}`, "spec.rollout.confirmTimeout", confirmSentence},
	"confirm timeout empty":      {`spec: {rollout: {confirmTimeout: ""}}`, "spec.rollout.confirmTimeout", confirmSentence},
	"confirm timeout negative":   {`spec: {rollout: {confirmTimeout: -30s}}`, "spec.rollout.confirmTimeout", confirmSentence},
	"confirm timeout as number":  {`spec: {rollout: {confirmTimeout: 30}}`, "spec.rollout.confirmTimeout", `must be of type string: "integer"`},
	"confirm timeout of no size": {`spec: {rollout: {confirmTimeout: 99999999999999s}}`, "spec.rollout.confirmTimeout", confirmSentence},
	"no host at a time":          {`spec: {rollout: {maxUnavailable: 0}}`, "spec.rollout.maxUnavailable", hostsSentence},
	"less than no host":          {`spec: {rollout: {maxUnavailable: -1}}`, "spec.rollout.maxUnavailable", hostsSentence},
	"no part of the hosts":       {`spec: {rollout: {maxUnavailable: 0%}}`, "spec.rollout.maxUnavailable", hostsSentence},
	"more than all hosts":        {`spec: {rollout: {maxUnavailable: 101%}}`, "spec.rollout.maxUnavailable", hostsSentence},
	"a number as text":           {`spec: {rollout: {maxUnavailable: "2"}}`, "spec.rollout.maxUnavailable", hostsSentence},

	"engine unknown":              {`spec: {rateLimiting: {engine: Tc}}`, "spec.rateLimiting.engine", `supported values: "Auto", "Nftables", "TrafficControl"`},
	"mode unknown":                {`spec: {rateLimiting: {mode: Queue}}`, "spec.rateLimiting.mode", `supported values: "Police", "Shape"`},
	"shaping by nftables":         {`spec: {rateLimiting: {engine: Nftables, mode: Shape}}`, "spec.rateLimiting.mode", "mode: Shape needs tc; write engine: Auto or TrafficControl"},
	"onInvalid unknown":           {`spec: {rateLimiting: {onInvalid: Open}}`, "spec.rateLimiting.onInvalid", `supported values: "Default", "Closed"`},
	"default rate as number":      {`spec: {rateLimiting: {default: 16}}`, "spec.rateLimiting.default", `must be of type string: "integer"`},
	"default rate too long":       {`spec: {rateLimiting: {default: "` + strings.Repeat("1", 129) + `"}}`, "spec.rateLimiting.default", "may not be more than 128"},
	"most rate too long":          {`spec: {rateLimiting: {max: "` + strings.Repeat("1", 129) + `"}}`, "spec.rateLimiting.max", "may not be more than 128"},
	"interface without a limit":   {`spec: {rateLimiting: {interfaces: [{name: eth0}]}}`, "spec.rateLimiting.interfaces[0]", limitSentence},
	"interface of empty limits":   {`spec: {rateLimiting: {interfaces: [{name: eth0, ingress: "", egress: ""}]}}`, "spec.rateLimiting.interfaces[0]", limitSentence},
	"limit of no interface":       {`spec: {rateLimiting: {interfaces: [{egress: 1gbit}]}}`, "spec.rateLimiting.interfaces[0].name", "Required value"},
	"limit of a wildcard":         {`spec: {rateLimiting: {interfaces: [{name: "eth*", egress: 1gbit}]}}`, "spec.rateLimiting.interfaces[0].name", interfaceSentence},
	"interface limited twice":     {`spec: {rateLimiting: {interfaces: [{name: eth0, egress: 1gbit}, {name: eth0, ingress: 1gbit}]}}`, "spec.rateLimiting.interfaces[1]", "Duplicate value"},
	"interface's rate as number":  {`spec: {rateLimiting: {interfaces: [{name: eth0, ingress: 16}]}}`, "spec.rateLimiting.interfaces[0].ingress", `must be of type string: "integer"`},
	"interface's rate too long":   {`spec: {rateLimiting: {interfaces: [{name: eth0, egress: "` + strings.Repeat("1", 129) + `"}]}}`, "spec.rateLimiting.interfaces[0].egress", "may not be more than 128"},
	"too many limited interfaces": {`spec: {rateLimiting: {interfaces: ` + many("{name: eth%d, egress: 1gbit}", 33) + `}}`, "spec.rateLimiting.interfaces", "must have at most 32 items"},

	"deletion policy unknown": {`spec: {deletionPolicy: Delete}`, "spec.deletionPolicy", `supported values: "Retain", "Remove"`},

	"managementCIDRs":            {`spec: {firewall: {managementCIDRs: [192.0.2.0/24, 192.0.2]}}`, "spec.firewall.managementCIDRs[1]", rangeSentence},
	"default action unknown":     {`spec: {firewall: {defaultAction: Reject}}`, "spec.firewall.defaultAction", `supported values: "Drop", "Accept"`},
	"default action in small":    {`spec: {firewall: {defaultAction: drop}}`, "spec.firewall.defaultAction", `supported values: "Drop", "Accept"`},
	"connections":                {`spec: {firewall: {establishedConnections: Cut}}`, "spec.firewall.establishedConnections", `supported values: "Keep", "Terminate"`},
	"SSH for nobody":             {`spec: {firewall: {ssh: {publicAccess: Allow}}}`, "spec.firewall.ssh", "publicAccess: Allow needs sources; write 0.0.0.0/0 and ::/0 to mean everybody"},
	"SSH for an empty list":      {`spec: {firewall: {ssh: {publicAccess: Allow, sources: []}}}`, "spec.firewall.ssh", "publicAccess: Allow needs sources; write 0.0.0.0/0 and ::/0 to mean everybody"},
	"SSH denied, with sources":   {`spec: {firewall: {ssh: {publicAccess: Deny, sources: [192.0.2.0/24]}}}`, "spec.firewall.ssh", "sources have no effect while publicAccess is Deny; write publicAccess: Allow, or remove the sources"},
	"SSH sources, not allowed":   {`spec: {firewall: {ssh: {sources: [192.0.2.0/24]}}}`, "spec.firewall.ssh", "sources have no effect while publicAccess is Deny; write publicAccess: Allow, or remove the sources"},
	"SSH sources: not a range":   {`spec: {firewall: {ssh: {publicAccess: Allow, sources: [everybody]}}}`, "spec.firewall.ssh.sources[0]", rangeSentence},
	"SSH access unknown":         {`spec: {firewall: {ssh: {publicAccess: true}}}`, "spec.firewall.ssh.publicAccess", `must be of type string: "boolean"`},
	"BGP for nobody":             {`spec: {firewall: {bgp: {publicAccess: Allow}}}`, "spec.firewall.bgp", "publicAccess: Allow needs the addresses of the BGP peers"},
	"BGP denied, with peers":     {`spec: {firewall: {bgp: {publicAccess: Deny, peers: [192.0.2.9]}}}`, "spec.firewall.bgp", "peers have no effect while publicAccess is Deny; write publicAccess: Allow, or remove the peers"},
	"BGP peer as a range":        {`spec: {firewall: {bgp: {publicAccess: Allow, peers: [192.0.2.0/24]}}}`, "spec.firewall.bgp.peers[0]", "an IPv4 or IPv6 address without prefix length, for example 192.0.2.1 or 2001:db8::1"},
	"echo unknown":               {`spec: {firewall: {icmp: {gatewayEcho: Allow}}}`, "spec.firewall.icmp.gatewayEcho", `supported values: "Limit", "Drop"`},
	"echo of Services unknown":   {`spec: {firewall: {icmp: {serviceEcho: ""}}}`, "spec.firewall.icmp.serviceEcho", `supported values: "Limit", "Drop"`},
	"no echo per second":         {`spec: {firewall: {icmp: {echoPerSecond: 0}}}`, "spec.firewall.icmp.echoPerSecond", "should be greater than or equal to 1"},
	"too many echoes per second": {`spec: {firewall: {icmp: {echoPerSecond: 10001}}}`, "spec.firewall.icmp.echoPerSecond", "should be less than or equal to 10000"},

	"nothing but a name":           {`spec: null`, "spec", "Required value"},
	"ranges without end":           {`spec: {firewall: {managementCIDRs: ` + many("192.0.2.%d/32", 65) + `}}`, "spec.firewall.managementCIDRs", "must have at most 64 items"},
	"sources without end":          {`spec: {firewall: {ssh: {publicAccess: Allow, sources: ` + many("192.0.2.%d/32", 65) + `}}}`, "spec.firewall.ssh.sources", "must have at most 64 items"},
	"peers without end":            {`spec: {firewall: {bgp: {publicAccess: Allow, peers: ` + many("192.0.2.%d", 65) + `}}}`, "spec.firewall.bgp.peers", "must have at most 64 items"},
	"classes without end":          {`spec: {services: {loadBalancerClasses: ` + many("example.org/class%d", 17) + `}}`, "spec.services.loadBalancerClasses", "must have at most 16 items"},
	"class too long":               {`spec: {services: {loadBalancerClasses: [` + strings.Repeat("c", 254) + `]}}`, "spec.services.loadBalancerClasses[0]", "may not be more than 253"},
	"interfaces without end":       {`spec: {hosts: [{name: gw1, address: 192.0.2.1, publicInterfaces: ` + many("eth%d", 17) + `}]}`, "spec.hosts[0].publicInterfaces", "must have at most 16 items"},
	"BGP access unknown":           {`spec: {firewall: {bgp: {publicAccess: Open}}}`, "spec.firewall.bgp.publicAccess", `supported values: "Deny", "Allow"`},
	"host whose sshd has port 0":   {`spec: {hosts: [{name: gw1, address: 192.0.2.1, sshdPort: 0}]}`, "spec.hosts[0].sshdPort", "should be greater than or equal to 1"},
	"known hosts without end":      {`spec: {ssh: {knownHosts: ` + strings.Repeat("k", 65537) + `}}`, "spec.ssh.knownHosts", "may not be more than 65536"},
	"selector without a key":       {`spec: {services: {selector: {matchExpressions: [{operator: Exists}]}}}`, "spec.services.selector.matchExpressions[0].key", "Required value"},
	"selector without an operator": {`spec: {services: {selector: {matchExpressions: [{key: a}]}}}`, "spec.services.selector.matchExpressions[0].operator", "Required value"},
	"namespaces without a key":     {`spec: {services: {namespaceSelector: {matchExpressions: [{operator: Exists}]}}}`, "spec.services.namespaceSelector.matchExpressions[0].key", "Required value"},
	"namespaces without operator":  {`spec: {services: {namespaceSelector: {matchExpressions: [{key: a}]}}}`, "spec.services.namespaceSelector.matchExpressions[0].operator", "Required value"},

	"name too long":           {`metadata: {name: ` + strings.Repeat("e", 64) + `}`, "", "the name of an NftGateway may have at most 63 characters; choose a shorter one"},
	"unknown field":           {`spec: {fierwall: {}}`, "", `unknown field "spec.fierwall"`},
	"unknown field in a host": {`spec: {hosts: [{name: gw1, address: 192.0.2.1, interfaces: [eth0]}]}`, "", `unknown field "spec.hosts[0].interfaces"`},
}

func TestRefused(t *testing.T) {
	for name, test := range refusals {
		t.Run(name, func(t *testing.T) {
			err := try(t, leastWith(t, test.change))
			switch {
			case err == nil:
				t.Fatal("it is accepted")
			case !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err):
				t.Fatalf("it fails for another reason: %v", err)
			case !strings.Contains(err.Error(), test.sentence):
				t.Errorf("the server does not say %q, but:\n%v", test.sentence, err)
			case test.field != "" && !strings.Contains(err.Error(), test.field+": "):
				t.Errorf("the server does not name the field %s, but says:\n%v", test.field, err)
			}
		})
	}
}
