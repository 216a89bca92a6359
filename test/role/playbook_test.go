package role_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
)

// host is a fresh gateway, entered by SSH with the files that the operator
// writes.
type host struct {
	*lab.Gateway
	topology *lab.Topology
	folder   string
}

// newHost boots a gateway with Debian's own nftables.conf and an empty kernel.
func newHost(t *testing.T) *host {
	t.Helper()
	topology, err := lab.NewTopology(lab.Layout{Gateways: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := topology.Close(); err != nil {
			t.Error(err)
		}
	})
	return &host{Gateway: topology.Gateways[0], topology: topology, folder: t.TempDir()}
}

// connectTimeout is in seconds.
const connectTimeout = 3

// sharedHosts are for tests that mostly wait: those run side by side, each with
// a gateway of its own in one topology.
var sharedHosts = sync.OnceValues(func() (chan *host, error) {
	topology, err := lab.NewTopology(lab.Layout{Gateways: 41}) // it ends with the lab
	if err != nil {
		return nil, err
	}
	hosts := make(chan *host, len(topology.Gateways))
	for _, gateway := range topology.Gateways {
		hosts <- &host{Gateway: gateway, topology: topology}
	}
	close(hosts)
	return hosts, nil
})

// newSharedHost lets the test run beside others, on a fresh gateway that no
// packet is sent through.
func newSharedHost(t *testing.T) *host {
	t.Helper()
	t.Parallel()
	hosts, err := sharedHosts()
	if err != nil {
		t.Fatal(err)
	}
	h, more := <-hosts
	if !more {
		t.Fatal("there are more tests side by side than gateways for them")
	}
	h.folder = t.TempDir()
	return h
}

// run says what differs from an ordinary run as root.
type run struct {
	user       string
	interfaces []string
	dry        bool
	// removal runs playbooks/remove.yml instead.
	removal bool
	hold    bool
	retry   bool
	fence   *ansible.Fence
	// confirm is the time in seconds to confirm a change.
	confirm int
	// playbooks is the folder of another release's.
	playbooks string
	// vars is the text of vars.json, where it is not the operator's.
	vars string
}

// answer is what the module answered, as the callback plugin wrote it.
type answer struct {
	Status string `json:"status"`
	Result struct {
		ansible.Outcome
		Reason ansible.Reason `json:"reason"`
		Msg    string         `json:"msg"`
	} `json:"result"`
	// Output is Ansible's own, for people.
	Output string `json:"-"`
}

// apply runs playbooks/apply.yml and demands success.
func (h *host) apply(t reporter, vars ansible.Vars) answer {
	t.Helper()
	got := h.play(t, vars, run{})
	if got.Status != "ok" {
		t.Fatalf("apply: %s: %s\n%s", got.Result.Reason, got.Result.Msg, got.Output)
	}
	return got
}

// refused runs playbooks/apply.yml and demands a failure for this reason.
func (h *host) refused(t reporter, vars ansible.Vars, differently run, reason ansible.Reason) answer {
	t.Helper()
	got := h.play(t, vars, differently)
	if got.Status != "failed" || got.Result.Reason != reason {
		t.Fatalf("want %s, got %s %s: %s\n%s", reason, got.Status, got.Result.Reason, got.Result.Msg, got.Output)
	}
	return got
}

func (h *host) play(t reporter, vars ansible.Vars, differently run) answer {
	t.Helper()
	inventory, extraVars := h.writeFiles(t, vars, differently)
	results := filepath.Join(h.folder, "results.jsonl")
	if err := os.RemoveAll(results); err != nil {
		t.Fatal(err)
	}
	playbook := "apply.yml"
	if differently.removal {
		playbook = "remove.yml"
	}
	playbooks := cmp.Or(differently.playbooks, repository(t, "playbooks"))
	arguments := []string{"-i", inventory, "-e", "@" + extraVars, filepath.Join(playbooks, playbook)}
	if differently.dry {
		arguments = append(arguments, "--check", "--diff")
	}
	got := answer{Output: play(t, playbooks, filepath.Join(h.folder, "output"), arguments, map[string]string{"NFT_OPERATOR_RESULTS": results})}
	lines, err := os.ReadFile(results)
	if err != nil {
		t.Fatalf("no result: %v\n%s", err, got.Output)
	}
	if err := json.Unmarshal(lines, &got); err != nil {
		t.Fatalf("%v:\n%s", err, lines)
	}
	return got
}

// writeFiles writes what the operator would write.
func (h *host) writeFiles(t reporter, vars ansible.Vars, differently run) (inventory, extraVars string) {
	t.Helper()
	known, err := ansible.ParseKnownHosts(h.KnownHostsLine())
	if err != nil {
		t.Fatal(err)
	}
	target := ansible.Target{
		Name: "gw1", Address: h.Cluster.IPv4.String(), Port: 22, SSHDPort: 22, User: "root",
		PublicInterfaces: []string{lab.PublicInterface},
	}
	if differently.user != "" {
		target.User = differently.user
	}
	if differently.interfaces != nil {
		target.PublicInterfaces = differently.interfaces
	}
	target.Hold, target.Retry = differently.hold, differently.retry
	target.Revision = ansible.Revision(vars.Digest(), target)
	target.Structure = ansible.Revision(vars.StructureDigest(), target)
	identity := filepath.Join(h.folder, "id")
	extraVars = filepath.Join(h.folder, ansible.VarsFile)
	wanted := ansible.Run{
		Targets: []ansible.Target{target}, Vars: vars, Access: ansible.Access{KnownHosts: known, ConnectTimeoutSeconds: connectTimeout},
		ConfirmTimeoutSeconds: differently.confirm, Fence: differently.fence,
	}
	if err := ansible.WriteFiles(h.folder, wanted, identity); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(identity, h.topology.Key.Private, 0o600); err != nil {
		t.Fatal(err)
	}
	if differently.vars != "" {
		if err := os.WriteFile(extraVars, []byte(differently.vars), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(h.folder, ansible.InventoryFile), extraVars
}

// player is a process of play.py. It plays one run at a time.
type player struct {
	requests io.WriteCloser
	statuses *bufio.Reader
}

// players are those that have nothing to do, by the folder of their playbooks:
// Ansible keeps modules that it packed once.
var players = struct {
	sync.Mutex
	idle map[string][]*player
}{idle: map[string][]*player{}}

// play runs ansible-playbook to its end and returns what it printed. How it
// ended is in its results.
func play(t reporter, playbooks, output string, arguments []string, environment map[string]string) string {
	t.Helper()
	p, err := takePlayer(playbooks, repository(t, "ansible.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	request, err := json.Marshal(map[string]any{"arguments": arguments, "output": output, "environment": environment})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(p.requests, "%s\n", request); err != nil {
		t.Fatal(err)
	}
	if _, err := p.statuses.ReadString('\n'); err != nil {
		t.Fatalf("play.py ended: %v", err)
	}
	players.Lock()
	defer players.Unlock()
	players.idle[playbooks] = append(players.idle[playbooks], p)
	return read(t, output)
}

// takePlayer takes an idle player, or starts one.
func takePlayer(playbooks, config string) (*player, error) {
	players.Lock()
	defer players.Unlock()
	if idle := players.idle[playbooks]; len(idle) > 0 {
		last := len(idle) - 1
		players.idle[playbooks] = idle[:last]
		return idle[last], nil
	}
	return startPlayer(config)
}

// startPlayer starts play.py, which ends with the lab.
func startPlayer(config string) (*player, error) {
	cmd := exec.Command("/usr/bin/python3", "play.py")
	home, err := os.MkdirTemp("", "player-")
	if err != nil {
		return nil, err
	}
	cmd.Env = append(os.Environ(), "ANSIBLE_CONFIG="+config, "ANSIBLE_NOCOLOR=1", "HOME="+home, "LC_ALL=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stderr = os.Stderr
	requests, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	statuses, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &player{requests, bufio.NewReader(statuses)}, cmd.Start()
}
