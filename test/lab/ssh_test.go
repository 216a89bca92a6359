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
			output, err := runSSH(options, user+"@"+address.String(), "id -un; sudo -n id -un; hostname; ls /sys/class/net /root | tr '\n' ' '")
			if err != nil {
				t.Fatalf("%s at %s: %v: %s", user, address, err, output)
			}
			t.Log(output)
		}
	}
}
