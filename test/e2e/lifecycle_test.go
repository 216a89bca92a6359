package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestAStoppedOperatorLeavesNothingBehind but what the gateways enforce.
func TestAStoppedOperatorLeavesNothingBehind(t *testing.T) {
	s := openShop(t)
	serve(t, "tcp 203.0.113.90:80")
	s.service("web", []string{"203.0.113.90"})
	s.awaitOpen("web")
	must(t, the.operator.Stop())
	t.Cleanup(func() { startOperator(t) })
	await(t, "its kept connections to end", func() error {
		if kept := processesWith(t, "/run/nft-operator/private/"); len(kept) > 0 {
			return fmt.Errorf("still there: %q", kept)
		}
		return nil
	})
	if runs, err := os.ReadDir(filepath.Join(the.operator.WorkDir(), "runs")); err != nil || len(runs) > 0 {
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
	again(t) // in the Pod, where the key of that run may lie
	s.awaitOpen("late")
	await(t, "the key of the killed run to be gone", func() error {
		if keys, _ := filepath.Glob(filepath.Join(the.operator.WorkDir(), "runs", "*", "id")); len(keys) > 0 {
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

// TestConnectionsThatEndLeaveNoProcess: the connections that ssh keeps are
// orphans. In a Pod somebody has to wait for them, or their remains would be
// counted until no process can be started any more.
func TestConnectionsThatEndLeaveNoProcess(t *testing.T) {
	awaitGateway(t, edge)
	checkNow(t, edge)
	var kept []int
	await(t, "a connection to be kept to each gateway", func() error {
		if kept = children(t, the.operator.Pid(), "ssh"); len(kept) < len(the.net.Gateways) {
			return fmt.Errorf("orphans are %v", kept)
		}
		return nil
	})
	for _, connection := range kept {
		must(t, syscall.Kill(connection, syscall.SIGKILL))
	}
	await(t, "their remains to be gone", func() error {
		for _, left := range children(t, the.operator.Pid(), "ssh") {
			if slices.Contains(kept, left) {
				return fmt.Errorf("process %d", left)
			}
		}
		return nil
	})
}

// children lists the processes of a name that a process has to wait for, those
// that have ended too.
func children(t *testing.T, parent int, name string) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	must(t, err)
	var found []int
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // ended meanwhile
		}
		var pid, its int
		var state string
		begin, end := strings.Index(string(content), "("), strings.LastIndex(string(content), ")")
		_, err1 := fmt.Sscan(string(content[:begin]), &pid)
		_, err2 := fmt.Sscan(string(content[end+1:]), &state, &its)
		must(t, errors.Join(err1, err2))
		if its == parent && string(content[begin+1:end]) == name {
			found = append(found, pid)
		}
	}
	return found
}
