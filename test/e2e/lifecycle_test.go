package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const workDir = "/run/nft-operator"

// TestAStoppedOperatorLeavesNothingBehind but what the gateways enforce.
func TestAStoppedOperatorLeavesNothingBehind(t *testing.T) {
	s := openShop(t)
	serve(t, "tcp 203.0.113.90:80")
	s.service("web", []string{"203.0.113.90"})
	s.awaitOpen("web")
	must(t, the.operator.Stop())
	t.Cleanup(func() { startOperator(t) })
	await(t, "its kept connections to end", func() error {
		if kept := processesWith(t, workDir+"/"); len(kept) > 0 {
			return fmt.Errorf("still there: %q", kept)
		}
		return nil
	})
	if runs, err := os.ReadDir(filepath.Join(workDir, "runs")); err != nil || len(runs) > 0 {
		t.Errorf("folders of runs are left: %v %v", runs, err)
	}
	assertOpen(t, the.net.Client.Primary.IPv4, "tcp 203.0.113.90:80")
}

// TestAKilledOperatorComesBackToWhatItLeft kills it in the middle of a run.
func TestAKilledOperatorComesBackToWhatItLeft(t *testing.T) {
	s := openShop(t)
	serve(t, "tcp 203.0.113.91:80")
	s.service("web", []string{"203.0.113.91"})
	s.awaitOpen("web")
	s.service("late", []string{"203.0.113.92"})
	awaitRunUnderWay(t)
	must(t, the.operator.Kill())
	await(t, "Ansible to end with it", func() error {
		if left := processesWith(t, "ansible-playbook"); len(left) > 0 {
			return fmt.Errorf("still there: %q", left)
		}
		return nil
	})
	assertOpen(t, the.net.Client.Primary.IPv4, "tcp 203.0.113.91:80")
	startOperator(t)
	s.awaitOpen("late")
	await(t, "the key of the killed run to be gone", func() error {
		if keys, _ := filepath.Glob(filepath.Join(workDir, "runs", "*", "id")); len(keys) > 0 {
			return fmt.Errorf("%v", keys)
		}
		return nil
	})
}

// processesWith lists the command lines in the lab that hold a text.
func processesWith(t *testing.T, text string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	must(t, err)
	var found []string
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(line), text) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}
