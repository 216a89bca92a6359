package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// workMount is where the Deployment mounts memory for the operator's files.
const workMount = "/run/nft-operator"

type (
	object = map[string]any
	list   = []any
)

// inContainer runs a program of the image, and returns what it printed.
func inContainer(t *testing.T, user int, program ...string) (string, error) {
	t.Helper()
	bundle := t.TempDir()
	work := filepath.Join(bundle, "work")
	if err := errors.Join(os.Mkdir(work, 0o700), os.Chmod(work, 0o777)); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(restricted(user, work, program))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("nft-operator-test-%d-%d", os.Getpid(), user)
	output, err := exec.CommandContext(t.Context(), "runc", "--root", filepath.Join(bundle, "runc"), "run", "--bundle", bundle, name).CombinedOutput()
	return string(output), err
}

// restricted is what a kubelet makes of the Deployment's Pod, for runc: a user
// of any number, in root's group, who can become nothing else. work is of root,
// and everybody may write there, as in an emptyDir.
func restricted(user int, work string, program []string) object {
	return object{
		"ociVersion": "1.0.2",
		"process": object{
			"args": program, "cwd": shipped.config.WorkingDir, "env": shipped.config.Env,
			"user":            object{"uid": user, "gid": 0},
			"noNewPrivileges": true,
			"capabilities":    object{},
		},
		"root": object{"path": shipped.root, "readonly": true},
		"mounts": list{
			object{"destination": "/proc", "type": "proc", "source": "proc"},
			object{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": list{"nosuid", "mode=755"}},
			object{"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": list{"nosuid", "nodev", "noexec", "mode=1777", "size=64m"}},
			object{"destination": workMount, "type": "bind", "source": work, "options": list{"bind", "nosuid", "nodev"}},
			object{"destination": "/attempt", "type": "bind", "source": attempt, "options": list{"bind", "ro"}},
		},
		"linux": object{
			// A network of its own, with nothing but loopback.
			"namespaces": list{object{"type": "pid"}, object{"type": "mount"}, object{"type": "ipc"}, object{"type": "uts"}, object{"type": "network"}},
		},
	}
}
