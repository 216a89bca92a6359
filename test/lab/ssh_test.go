package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// topology builds a topology for one test.
func topology(t *testing.T, gateways int) *Topology {
	t.Helper()
	built, err := NewTopology(Layout{Gateways: gateways})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := built.Close(); err != nil {
			t.Error(err)
		}
	})
	return built
}

// login writes the files that ssh needs and returns its options.
func login(t *testing.T, topology *Topology, box *Box) []string {
	t.Helper()
	directory := t.TempDir()
	key, known := filepath.Join(directory, "key"), filepath.Join(directory, "known_hosts")
	for path, content := range map[string]string{key: string(topology.Key.Private), known: box.KnownHostsLine()} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"-F", "none", "-i", key, "-o", "UserKnownHostsFile=" + known, "-o", "StrictHostKeyChecking=yes",
		"-o", "BatchMode=yes", "-o", "ConnectTimeout=2"}
}

func runSSH(options []string, command ...string) (string, error) {
	output, err := exec.Command("ssh", append(options, command...)...).CombinedOutput()
	return strings.TrimSpace(string(output)), err
}

func TestSSHLogin(t *testing.T) {
	network := topology(t, 2)
	gateway := network.Gateways[1]
	options := login(t, network, gateway.Box)
	for _, address := range gateway.Cluster.All() {
		for _, user := range []string{"root", User} {
			want := user + " root gw2"
			output, err := runSSH(options, user+"@"+address.String(), "echo $(id -un) $(sudo -n id -un) $(hostname)")
			if err != nil || output != want {
				t.Errorf("%s at %s: %v: %q, want %q", user, address, err, output, want)
			}
		}
	}

	if err := gateway.StopSSH(); err != nil {
		t.Fatal(err)
	}
	target := "root@" + gateway.Cluster.IPv4.String()
	if output, err := runSSH(options, target, "true"); err == nil {
		t.Errorf("sshd was stopped and answers: %s", output)
	}
	if err := gateway.NewHostKeys(); err != nil {
		t.Fatal(err)
	}
	if output, err := runSSH(options, target, "true"); err == nil || !strings.Contains(output, "HOST IDENTIFICATION HAS CHANGED") {
		t.Errorf("another host key is accepted: %v: %s", err, output)
	}
	if output, err := runSSH(login(t, network, gateway.Box), target, "true"); err != nil {
		t.Errorf("the new host key is refused: %v: %s", err, output)
	}
}

func TestSSHThroughAJumpHost(t *testing.T) {
	network := topology(t, 1)
	jump, err := network.NewBox("jump")
	if err != nil {
		t.Fatal(err)
	}
	gateway := network.Gateways[0]
	// The gateway admits nobody but the jump host.
	if err := gateway.Nft(`table inet only_jump { chain i { type filter hook input priority 0; policy accept;
	tcp dport 22 ip saddr != ` + jump.Cluster.IPv4.String() + ` drop; }; }
`); err != nil {
		t.Fatal(err)
	}
	options := login(t, network, gateway.Box)
	target := "root@" + gateway.Cluster.IPv4.String()
	if output, err := runSSH(options, target, "true"); err == nil {
		t.Errorf("the gateway admits others: %s", output)
	}
	proxy := append([]string{"ssh"}, login(t, network, jump)...)
	proxy = append(proxy, "-W", "%h:%p", User+"@"+jump.Cluster.IPv6.String())
	options = append(options, "-o", "ProxyCommand="+strings.Join(proxy, " "))
	if output, err := runSSH(options, target, "hostname"); err != nil || output != gateway.Name {
		t.Errorf("through the jump host: %v: %s", err, output)
	}
}
