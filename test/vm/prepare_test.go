package vm_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestPrepareMakesAGatewayOfABareMachine goes the way of docs/gateway.md, from a
// fresh image to the first open Service.
func TestPrepareMakesAGatewayOfABareMachine(t *testing.T) {
	g := newGatewayOf(t, (*lab.Topology).NewBareMachine)
	var err error
	g.login, err = lab.NewKey("operator")
	must(t, err)
	administrator := newAdministrator(t, g)
	bare := g.settings(t)
	for _, door := range webDoors {
		if g.net.Client.Knock(lab.TCP, g.net.Client.Primary.Like(door.Addr()), door, 2*time.Second) == nil {
			t.Fatalf("%s is reached through a bare machine", door) // or what follows would prove nothing
		}
	}

	administrator.prepare(t, someChanges, "--check", "--diff")
	if seen := g.settings(t); seen != bare {
		t.Fatalf("a dry run changed something: before\n%s\nnow\n%s", bare, seen)
	}

	// Another file would undo it at the next boot. What is left then, the next run does.
	must(t, g.ReplaceFile("/etc/sysctl.d/99-theirs.conf", []byte("net.ipv4.conf.all.rp_filter = 1\n"), 0o644))
	administrator.prepare(t, overruled)
	_, err = g.Exec("rm", "/etc/sysctl.d/99-theirs.conf")
	must(t, err)

	administrator.prepare(t, someChanges, "-vvv")
	if seen := g.settings(t); seen != preparedSettings {
		t.Errorf("the machine is:\n%s\nwant:\n%s", seen, preparedSettings)
	}
	g.expectFRR(t)
	g.expectAllOpen(t) // it forwards, and filters nothing yet

	g.apply(t)
	g.expectOnlyWeb(t)

	administrator.prepare(t, noChanges)
	g.expectOnlyWeb(t)

	// The file is right still, so only FRR can tell.
	_, err = g.Exec("vtysh", "-c", "configure terminal", "-c", "router bgp 64500", "-c", "no neighbor CLUSTER password")
	must(t, err)
	administrator.prepare(t, someChanges)
	g.expectFRR(t)

	must(t, g.Reboot())
	if seen := g.settings(t); seen != preparedSettings {
		t.Errorf("after a boot, the machine is:\n%s\nwant:\n%s", seen, preparedSettings)
	}
	g.expectFRR(t)
	g.expectOnlyWeb(t)
	if outcome := g.apply(t); outcome.Action != "none" {
		t.Errorf("after a boot: %+v", outcome)
	}
}

// bgpPassword is what nobody must get to see.
const bgpPassword = "for#misconfiguration!"

// variables of the preparation, besides the operator's key.
var variables = map[string]any{
	"prepare_key_sources": lab.ClusterNetworks,
	"prepare_frr": map[string]any{
		"asn": 64500, "router_id": "192.0.2.61",
		"load_balancer_ranges": lab.LoadBalancerNetworks,
		"cluster":              map[string]any{"asn": 64501, "ranges": lab.ClusterNetworks, "password": bgpPassword},
		"upstreams": []any{
			map[string]any{"address": "198.51.100.254", "asn": 64510, "password": bgpPassword},
			map[string]any{"address": "2001:db8:a::fe", "asn": 64510, "accept": "all"},
		},
		"redistribute_connected": true,
	},
}

// frrLines are some of what FRR is to say of itself then.
var frrLines = []string{
	"router bgp 64500",
	" neighbor CLUSTER password " + bgpPassword,
	" bgp listen range " + lab.ClusterNetworks[0].String() + " peer-group CLUSTER",
	" bgp listen range " + lab.ClusterNetworks[1].String() + " peer-group CLUSTER",
	" neighbor 198.51.100.254 remote-as 64510",
	"  aggregate-address " + lab.LoadBalancerNetworks[0].String() + " summary-only",
	"  aggregate-address " + lab.LoadBalancerNetworks[1].String() + " summary-only",
	"  redistribute connected",
	"  neighbor CLUSTER prefix-list LOAD-BALANCER-ADDRESSES in",
	"  neighbor 198.51.100.254 route-map TO-UPSTREAM out",
	"  neighbor 2001:db8:a::fe prefix-list ALL in",
}

// expectFRR demands that FRR runs with the configuration that it was given.
func (g *gateway) expectFRR(t *testing.T) {
	t.Helper()
	var running string
	eventually(t, "FRR", func() bool {
		var err error
		running, err = g.Exec("vtysh", "-c", "show running-config")
		return err == nil && strings.Contains(running, "router bgp")
	})
	for _, line := range frrLines {
		if !strings.Contains(running, "\n"+line+"\n") {
			t.Errorf("FRR does not know of %q:\n%s", line, running)
		}
	}
}

// settings are what the preparation is about, as the machine says it.
func (g *gateway) settings(t *testing.T) string {
	t.Helper()
	const script = `cd /proc/sys/net
for each in ipv4/ip_forward ipv6/conf/all/forwarding ipv4/fib_multipath_hash_policy ipv6/fib_multipath_hash_policy ipv4/conf/all/rp_filter; do
	echo "$each $(cat $each)"
done
for each in nftables frr; do echo "$each $(systemctl is-enabled $each)"; done
echo "account $(getent passwd nftop)"
echo "password $(getent shadow nftop | cut -d : -f 2)"
sshd -T -C user=nftop,host=localhost,addr=127.0.0.1 | grep ^authenticationmethods
for each in /home/nftop/.ssh /home/nftop/.ssh/authorized_keys /etc/sudoers.d/nft-operator /etc/frr/frr.conf; do
	stat --format '%n %a %U:%G' $each || echo "$each is missing"
done
nft list tables | grep -v nft_operator || true`
	output, err := g.Exec("sh", "-c", script)
	must(t, err)
	return output
}

const preparedSettings = `ipv4/ip_forward 1
ipv6/conf/all/forwarding 1
ipv4/fib_multipath_hash_policy 1
ipv6/fib_multipath_hash_policy 1
ipv4/conf/all/rp_filter 2
nftables enabled
frr enabled
account nftop:x:1001:1001::/home/nftop:/bin/sh
password *
authenticationmethods publickey
/home/nftop/.ssh 700 nftop:nftop
/home/nftop/.ssh/authorized_keys 600 nftop:nftop
/etc/sudoers.d/nft-operator 440 root:root
/etc/frr/frr.conf 640 frr:frr
`

// administrator prepares a machine by hand, from the top of the project.
type administrator struct {
	inventory, variables string
	environment          []string
}

func newAdministrator(t *testing.T, g *gateway) administrator {
	t.Helper()
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		must(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	key, known := write("key", string(g.net.Key.Private)), write("known_hosts", g.KnownHostsLine())
	inventory := write("inventory.ini", "[gateways]\n"+g.Cluster.IPv4.String()+" ansible_user="+lab.Administrator+
		" ansible_ssh_private_key_file="+key+" ansible_ssh_common_args='-o UserKnownHostsFile="+known+"'\n")
	variables["prepare_authorized_keys_file"] = write("operator.pub", g.login.Public+"\n")
	text, err := json.Marshal(variables)
	must(t, err)
	sockets, err := os.MkdirTemp("", "ssh-") // t.TempDir is too long for a socket
	must(t, err)
	return administrator{inventory: inventory, variables: write("variables.json", string(text)), environment: append(os.Environ(),
		"ANSIBLE_LOCAL_TEMP="+folder, "ANSIBLE_SSH_CONTROL_PATH_DIR="+sockets, "ANSIBLE_NOCOLOR=1", "ANSIBLE_TIMEOUT=120")}
}

// What a preparation is to say in the end.
var (
	overruled   = regexp.MustCompile(`(?s)another file says otherwise.* unreachable=0 +failed=1 `)
	someChanges = regexp.MustCompile(` changed=[1-9]\d* +unreachable=0 +failed=0 `)
	noChanges   = regexp.MustCompile(` changed=0 +unreachable=0 +failed=0 `)
)

func (a administrator) prepare(t *testing.T, want *regexp.Regexp, arguments ...string) {
	t.Helper()
	began := time.Now()
	cmd := exec.Command("ansible-playbook", append([]string{"--inventory", a.inventory, "--extra-vars", "@" + a.variables, "playbooks/prepare.yml"}, arguments...)...)
	cmd.Dir, cmd.Env = filepath.Join("..", ".."), a.environment
	output, err := cmd.CombinedOutput() // want is about failures too
	if !want.Match(output) {
		t.Fatalf("%v, %s is not in:\n%s", err, want, output)
	}
	if strings.Contains(string(output), bgpPassword) {
		t.Errorf("a password is shown:\n%s", output)
	}
	t.Logf("%s took %s", strings.Join(cmd.Args[1:], " "), time.Since(began).Round(time.Second))
}
