package ansible

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// unlisted is a user ID that no database knows, as a cluster gives to Pods.
const unlisted = 1234567

func TestSSHWorksForAnUnlistedUser(t *testing.T) {
	if os.Getuid() != unlisted {
		again(t, unlisted)
		return
	}
	if err := trySSH(nil); err == nil {
		t.Fatal("ssh knows the user: this test proves nothing")
	}
	dir, err := OpenWorkDir(filepath.Join(shortDir(t), "work"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("ssh", "-F", "none", "-o", "BatchMode=yes", "-p", "1", "127.0.0.1")
	command.Env = append(os.Environ(), dir.account...)
	if output, _ := command.CombinedOutput(); !strings.Contains(string(output), "Connection refused") {
		t.Errorf("ssh did not come as far as connecting: %s", output)
	}
}

func TestSSHOfAListedUserIsLeftAlone(t *testing.T) {
	dir, err := OpenWorkDir(filepath.Join(shortDir(t), "work"))
	if err != nil {
		t.Fatal(err)
	}
	if len(dir.account) != 0 {
		t.Errorf("ssh gets %q, which it does not need", dir.account)
	}
}

func TestAnSSHThatNeverWorksIsToldWithTheWayOut(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "ssh"), []byte("#!/bin/sh\necho No user exists for uid 1 >&2; exit 255\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	_, err := OpenWorkDir(filepath.Join(shortDir(t), "work"))
	if err == nil || !strings.Contains(err.Error(), "No user exists") || !strings.Contains(err.Error(), "libnss-wrapper") {
		t.Errorf("got %v, want ssh's words and the package to install", err)
	}
}

// again runs the test once more as another user. It fails where that does.
func again(t *testing.T, user uint32) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("becoming another user needs root: run make test-go")
	}
	command := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	command.Dir = "/" // the other user may not enter this folder
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user}}
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("as user %d: %v\n%s", user, err, output)
	}
}
