package role_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

// paused is there while the host's nft waits, for the tests that kill a run at
// a step of its own.
const paused = "/run/paused"

// pausing is a fault of nft that waits at a step once.
func pausing(step string) string {
	return fmt.Sprintf(`case "$*" in %s) in_host && [ ! -e /run/paused-once ] && { touch /run/paused-once %[2]s; while [ -e %[2]s ]; do sleep 0.02; done; };; esac`, step, paused)
}

// TestARunThatIsKilledAtAnyStepHarmsNothing kills ansible-playbook, as a killed
// operator does, at one step after the other of a change that is guarded. The
// module on the host goes on to its end; the next operator finds a host that it
// can bring to the intent, and nothing that would be taken back later.
func TestARunThatIsKilledAtAnyStepHarmsNothing(t *testing.T) {
	t.Parallel() // with all that run side by side, after the others
	for _, step := range []struct{ name, fault string }{
		{"before anything", pausing("--version")},
		{"looking at the kernel", pausing("*--terse*")},
		{"at nft -c", pausing("*--check*")},
		{"armed, at the load", pausing("--file*")},
		{"waiting to be confirmed", ""},
	} {
		t.Run(step.name, func(t *testing.T) {
			h := newSharedHost(t)
			h.apply(t, edge(web))
			terminate := edge(web)
			terminate.Firewall.EstablishedConnections = "terminate"
			first := run{fence: &ansible.Fence{Epoch: 1, Sequence: 1}}
			if step.fault == "" {
				h.leavePending(t, terminate, first)
			} else {
				h.fakeNft(t, step.fault)
				h.killAt(t, terminate, first, func() bool { return h.has(paused) })
				h.exec(t, "rm", paused)
			}

			next := run{fence: &ansible.Fence{Epoch: 2, Sequence: 1}}
			h.await(t, "the next operator's run", func() bool {
				got := h.play(t, terminate, next)
				return got.Status == "ok" && got.Result.Held == ""
			})
			h.assertConverged(t)
			if !strings.Contains(h.ours(t), `"direction"`) {
				t.Error("the change is not in force")
			}
			h.awaitRollback(t) // nothing is armed, or it would come
			if got := h.play(t, terminate, next).Result; got.Changed {
				t.Errorf("later: %+v", got)
			}
		})
	}
}

func (h *host) has(path string) bool {
	_, err := h.Exec("test", "-e", path)
	return err == nil
}

// killAt runs the playbook and kills it at a moment.
func (h *host) killAt(t *testing.T, vars ansible.Vars, differently run, moment func() bool) {
	t.Helper()
	inventory, extraVars := h.writeFiles(t, vars, differently)
	folder, err := os.MkdirTemp("", "killed-") // a short name: sockets go there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	// Whoever comes in anew sleeps: the run is killed before it can confirm.
	wrapper := "#!/bin/sh\ncase \"$*\" in *ControlPath=none*) exec sleep infinity;; esac\nexec /usr/bin/ssh \"$@\"\n"
	if err := os.WriteFile(folder+"/ssh", []byte(wrapper), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ansible-playbook", "-i", inventory, "-e", "@"+extraVars, repository(t, "playbooks", "apply.yml"))
	cmd.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"), "ANSIBLE_CONFIG="+repository(t, "ansible.cfg"), "HOME="+folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the run that was killed said:\n%s", output.String())
		}
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h.await(t, "the moment to kill the run", moment)
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) {
		t.Fatal(fmt.Errorf("ansible-playbook was not killed: %w", err))
	}
}
