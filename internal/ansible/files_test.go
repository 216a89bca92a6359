package ansible

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/plan"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

func samplePlan() plan.Gateway {
	return plan.Gateway{
		Key: plan.GatewayKey{Namespace: "nft-operator-system", Name: "edge"},
		Firewall: plan.Firewall{
			DefaultAction:          v1alpha1.DefaultActionDrop,
			EstablishedConnections: v1alpha1.EstablishedKeep,
			GatewayEcho:            v1alpha1.EchoLimit,
			ServiceEcho:            v1alpha1.EchoDrop,
			EchoPerSecond:          10,
			Management:             []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("2001:db8::/48")},
			LoadBalancerRanges:     []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
		},
		Exposures: []plan.Exposure{
			{Service: plan.ServiceKey{Namespace: "shop", Name: "web"}, Address: netip.MustParseAddr("203.0.113.10"), Protocol: plan.TCP, Port: 80},
			{Service: plan.ServiceKey{Namespace: "shop", Name: "web"}, Address: netip.MustParseAddr("2001:db8::10"), Protocol: plan.UDP, Port: 53,
				Sources: []netip.Prefix{netip.MustParsePrefix("2001:db8:5::/64")}},
		},
		RateLimiting: plan.RateLimiting{
			Engine: v1alpha1.RateLimitAuto, Mode: v1alpha1.RateLimitPolice,
			Interfaces: []plan.InterfaceLimit{
				{Name: "eth0", Ingress: &ratelimit.Rate{Unit: ratelimit.Packets, Amount: 9000, Period: ratelimit.Second, Burst: 900}},
				{Name: "eth1", Egress: &ratelimit.Rate{Unit: ratelimit.Bytes, Amount: 125000000, Period: ratelimit.Second, Burst: 6250000}},
			},
		},
		Limits: []plan.ServiceLimits{
			{Service: plan.ServiceKey{Namespace: "shop", Name: "api"}, Limits: ratelimit.Limits{
				PerSource:       &ratelimit.Rate{Unit: ratelimit.Packets, Amount: 6000, Period: ratelimit.Minute, Burst: 50},
				ConnectionRate:  &ratelimit.Rate{Unit: ratelimit.Connections, Amount: 10, Period: ratelimit.Day, Burst: 5},
				ConnectionLimit: 20,
			}},
			{Service: plan.ServiceKey{Namespace: "shop", Name: "web"}, Limits: ratelimit.Limits{
				Service: &ratelimit.Rate{Unit: ratelimit.Bytes, Amount: 250000, Period: ratelimit.Second, Burst: 65536}, PerPort: true,
			}},
		},
	}
}

func sampleRun(t *testing.T, jump *Jump) Run {
	t.Helper()
	pem, public := newKeyPair(t)
	key, err := ParsePrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	known, err := ParseKnownHosts("192.0.2.1 " + public)
	if err != nil {
		t.Fatal(err)
	}
	return Run{
		Playbook: "playbooks/apply.yml",
		Targets: []Target{{
			Name: "gw1", Address: "192.0.2.1", Port: 2201, SSHDPort: 22, User: "nftop",
			PublicInterfaces: []string{"eth0"}, Revision: strings.Repeat("ab", 32), Structure: strings.Repeat("cd", 32), Hold: true, Retry: true,
		}},
		Access: Access{PrivateKey: key, KnownHosts: known, Jump: jump, Become: true, ConnectTimeoutSeconds: 10},
		Vars:   VarsOf(samplePlan()),

		ConfirmTimeoutSeconds: 45,
		Fence:                 &Fence{Epoch: 7, Sequence: 3},
	}
}

func TestFilesOfARun(t *testing.T) {
	dir := t.TempDir()
	run := sampleRun(t, &Jump{Address: "2001:db8::9", Port: 2222, User: "hop"})
	if err := WriteFiles(dir, run, "/keys/id"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		VarsFile: `{"nft_schema":3,"nft_gateway":"nft-operator-system/edge","nft_firewall":{"default_action":"drop","established_connections":"keep",` +
			`"gateway_echo":"limit","service_echo":"drop","echo_per_second":10,"management":{"ipv4":["192.0.2.7"],"ipv6":["2001:db8::/48"]},` +
			`"ssh_sources":{"ipv4":[],"ipv6":[]},"bgp_peers":{"ipv4":[],"ipv6":[]},"load_balancer_ranges":{"ipv4":["203.0.113.0/24"],"ipv6":[]}},` +
			`"nft_exposures":{"ipv4":[{"service":"shop/web","address":"203.0.113.10","protocol":"tcp","port":80}],` +
			`"ipv6":[{"service":"shop/web","address":"2001:db8::10","protocol":"udp","port":53,"sources":["2001:db8:5::/64"]}]},` +
			`"nft_limits":{"engine":"auto","mode":"police","services":[` +
			`{"service":"shop/api","per_source":{"unit":"packets","amount":6000,"period":"minute","burst":50},` +
			`"connection_rate":{"unit":"connections","amount":10,"period":"day","burst":5},"connection_limit":20},` +
			`{"service":"shop/web","rate":{"unit":"bytes","amount":250000,"period":"second","burst":65536},"per_port":true}],` +
			`"interfaces":[{"name":"eth0","ingress":{"unit":"packets","amount":9000,"period":"second","burst":900}},` +
			`{"name":"eth1","egress":{"unit":"bytes","amount":125000000,"period":"second","burst":6250000}}]}}` + "\n",
		InventoryFile: `gateways:
    hosts:
        gw1:
            ansible_host: 192.0.2.1
            ansible_port: 2201
            ansible_user: nftop
            nft_host: gw1
            nft_public_interfaces:
                - eth0
            nft_ssh_port: 22
            nft_revision: ` + strings.Repeat("ab", 32) + `
            nft_structure: ` + strings.Repeat("cd", 32) + `
            nft_hold: true
            nft_retry: true
    vars:
        ansible_connection: ssh
        ansible_python_interpreter: /usr/bin/python3
        ansible_ssh_common_args: -F '` + dir + `/ssh_config'
        ansible_ssh_timeout: 10
        ansible_become: true
        nft_confirm_timeout: 45
        nft_fence:
            epoch: 7
            sequence: 3
`,
		SSHConfigFile: `# Written by nft-operator for one gateway.
Host nft-operator-jump
  HostName 2001:db8::9
  Port 2222
  User hop
Host 192.0.2.1
  ProxyJump nft-operator-jump
Host *
  StrictHostKeyChecking yes
  UserKnownHostsFile "` + dir + `/known_hosts"
  GlobalKnownHostsFile /dev/null
  UpdateHostKeys no
  PreferredAuthentications publickey
  IdentityFile "/keys/id"
  IdentitiesOnly yes
  IdentityAgent none
  ForwardAgent no
  ConnectTimeout 10
  ServerAliveInterval 5
  ServerAliveCountMax 3
  LogLevel ERROR
`,
		KnownHostsFile: run.Access.KnownHosts.String(),
	} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	assertNoKeyIn(t, dir)
}

// assertNoKeyIn fails where any file below dir holds a private key.
func assertNoKeyIn(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "PRIVATE KEY") {
			t.Errorf("%s holds a private key", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRevisionFollowsWhatIsEnforced(t *testing.T) {
	base := samplePlan()
	target := sampleRun(t, nil).Targets[0]
	revision := Revision(VarsOf(base).Digest(), target)
	if len(revision) != 64 || revision != Revision(VarsOf(samplePlan()).Digest(), target) {
		t.Fatalf("revision %q is not a stable hash", revision)
	}

	otherPort := samplePlan()
	otherPort.Exposures[0].Port = 81
	anySource := samplePlan()
	anySource.Exposures[1].Sources = nil
	for name, plan := range map[string]plan.Gateway{"another port": otherPort, "no source ranges": anySource} {
		if Revision(VarsOf(plan).Digest(), target) == revision {
			t.Errorf("%s leaves the revision as it was", name)
		}
	}
	other := target
	other.PublicInterfaces = []string{"eth1"}
	if Revision(VarsOf(base).Digest(), other) == revision {
		t.Error("another interface leaves the revision as it was")
	}
	moved := target
	moved.Address, moved.Port, moved.User = "192.0.2.2", 2222, "root"
	if Revision(VarsOf(base).Digest(), moved) != revision {
		t.Error("the way in is part of the revision, though the host enforces the same")
	}
}

// TestLimitsAreNoStructure: no limit can cut the way in, so none is rolled out
// host by host.
func TestLimitsAreNoStructure(t *testing.T) {
	base := VarsOf(samplePlan())
	gone := samplePlan()
	gone.Limits = nil
	more := samplePlan()
	more.Limits[0].ConnectionLimit++
	engine := samplePlan()
	engine.RateLimiting.Engine = v1alpha1.RateLimitNftables
	mode := samplePlan()
	mode.RateLimiting.Mode = v1alpha1.RateLimitShape
	free := samplePlan()
	free.RateLimiting.Interfaces = nil
	for name, plan := range map[string]plan.Gateway{
		"no limits": gone, "another limit": more, "another engine": engine, "another mode": mode, "no limits of interfaces": free,
	} {
		vars := VarsOf(plan)
		if vars.Digest() == base.Digest() {
			t.Errorf("%s: the revision stays", name)
		}
		if vars.StructureDigest() != base.StructureDigest() {
			t.Errorf("%s: the structure is another", name)
		}
	}
	if VarsOf(gone).Limits.Services == nil || VarsOf(free).Limits.Interfaces == nil {
		t.Error("no limits are null, not an empty list")
	}
}

// TestWordsOfTheRole: the role knows other words than the API.
func TestWordsOfTheRole(t *testing.T) {
	for _, test := range []struct {
		engine v1alpha1.RateLimitEngine
		mode   v1alpha1.RateLimitMode
		want   string
	}{
		{v1alpha1.RateLimitAuto, v1alpha1.RateLimitPolice, "auto police"},
		{v1alpha1.RateLimitNftables, v1alpha1.RateLimitPolice, "nftables police"},
		{v1alpha1.RateLimitTrafficControl, v1alpha1.RateLimitShape, "traffic_control shape"},
	} {
		limits := VarsOf(plan.Gateway{RateLimiting: plan.RateLimiting{Engine: test.engine, Mode: test.mode}}).Limits
		if got := limits.Engine + " " + limits.Mode; got != test.want {
			t.Errorf("%s and %s are %s, want %s", test.engine, test.mode, got, test.want)
		}
	}
}

// TestAnotherTemplateIsAnotherRevision: what it makes of the same vars differs.
func TestAnotherTemplateIsAnotherRevision(t *testing.T) {
	shipped, err := ReadTemplates("../..")
	if err != nil {
		t.Fatal(err)
	}
	vars := VarsOf(samplePlan())
	all, structure := shipped.Digests(vars)
	for _, test := range []struct {
		other        string
		structureToo bool
	}{{firewallTemplate, true}, {limitsTemplate, false}} {
		project := t.TempDir()
		if err := os.MkdirAll(filepath.Join(project, "templates"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{firewallTemplate, limitsTemplate} {
			if _, err := ReadTemplates(project); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a project without %s: %v", name, err)
			}
			text, err := os.ReadFile(filepath.Join("../..", name))
			if err != nil {
				t.Fatal(err)
			}
			if name == test.other {
				text = append(text, "# edited\n"...)
			}
			if err := os.WriteFile(filepath.Join(project, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		edited, err := ReadTemplates(project)
		if err != nil {
			t.Fatal(err)
		}
		otherAll, otherStructure := edited.Digests(vars)
		if otherAll == all || (otherStructure == structure) == test.structureToo {
			t.Errorf("with another %s: same revision %v, same structure %v", test.other, otherAll == all, otherStructure == structure)
		}
	}
}
