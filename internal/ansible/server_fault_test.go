package ansible

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nft-operator/nft-operator/internal/ansible/forkserver"
)

// oneResult is a script that reports that gw1 is well, and notes who started it.
func oneResult(parents string) string {
	return `
echo $PPID >> ` + parents + `
echo '{"host":"gw1","status":"ok","result":{"revision":"abc"}}' > "$NFT_OPERATOR_RESULTS"
`
}

// succeed runs and demands the report of oneResult.
func succeed(t *testing.T, runner *PlaybookRunner) {
	t.Helper()
	reports, err := runner.Run(t.Context(), sampleRun(t, nil))
	if err != nil || reports["gw1"].Outcome.Revision != "abc" {
		t.Fatalf("%+v %v", reports, err)
	}
}

// parentsOf are the processes that started the runs, one for each.
func parentsOf(t *testing.T, file string) []int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var parents []int
	for _, field := range strings.Fields(string(text)) {
		number, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		parents = append(parents, number)
	}
	return parents
}

// serverOf is the process that has Ansible loaded for a runner.
func serverOf(t *testing.T, runner *PlaybookRunner) int {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		if found := processesOf(t, runner.WorkDir.server()); len(found) == 1 {
			return found[0]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("processes that have Ansible loaded: %v", processesOf(t, runner.WorkDir.server()))
	return 0
}

// processesOf are those with a text in their command line.
func processesOf(t *testing.T, text string) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, file := range files {
		line, _ := os.ReadFile(file) // a process that has ended is none of them
		if number, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && strings.Contains(string(line), text) {
			found = append(found, number)
		}
	}
	return found
}

func signal(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
}

// awaitLines waits until a script wrote as many lines.
func awaitLines(t *testing.T, file string, lines int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		if text, _ := os.ReadFile(file); strings.Count(string(text), "\n") >= lines {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s never had %d lines", file, lines)
}

// notTold fails the test when runs are not forked.
func notTold(t *testing.T) func(string) {
	return func(message string) { t.Errorf("not forked: %s", message) }
}

func TestServerKilledBetweenRunsIsStartedAnew(t *testing.T) {
	parents := filepath.Join(t.TempDir(), "parents")
	runner := fakeAnsible(t, oneResult(parents), notTold(t))
	succeed(t, runner)
	first := serverOf(t, runner)
	signal(t, first, syscall.SIGKILL)
	awaitEnd(t, first)
	succeed(t, runner)
	if want := []int{first, serverOf(t, runner)}; !slices.Equal(parentsOf(t, parents), want) {
		t.Errorf("runs were started by %v, want %v", parentsOf(t, parents), want)
	}
}

func TestServerKilledDuringARunFailsTheRunAndNothingElse(t *testing.T) {
	parents := filepath.Join(t.TempDir(), "parents")
	runner := fakeAnsible(t, `
echo $PPID >> `+parents+`
if [ "$(wc -l < `+parents+`)" = 1 ]; then
  sh -c 'echo $$ >> `+parents+`.all; exec sleep 300' &
  echo $$ >> `+parents+`.all
  exec sleep 300
fi
`+oneResult(parents), func(string) {})
	type answer struct {
		reports map[string]Report
		err     error
	}
	answers := make(chan answer, 1)
	go func() {
		reports, err := runner.Run(t.Context(), sampleRun(t, nil))
		answers <- answer{reports, err}
	}()
	awaitLines(t, parents+".all", 2)
	began := time.Now()
	signal(t, serverOf(t, runner), syscall.SIGKILL)
	got := <-answers
	if !errors.Is(got.err, ErrRunnerFailed) || len(got.reports) > 0 {
		t.Errorf("the run that was under way: %+v %v", got.reports, got.err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("that was told after %s", took)
	}
	for _, pid := range parentsOf(t, parents+".all") {
		awaitEnd(t, pid)
	}
	succeed(t, runner)
}

// TestServerThatHangsRunsNothingTwice stops the process, so that it has a request
// that it did not read.
func TestServerThatHangsRunsNothingTwice(t *testing.T) {
	parents := filepath.Join(t.TempDir(), "parents")
	var told []string
	runner := fakeAnsible(t, oneResult(parents), func(message string) { told = append(told, message) })
	succeed(t, runner)
	hung := serverOf(t, runner)
	signal(t, hung, syscall.SIGSTOP)
	began := time.Now()
	succeed(t, runner)
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the run took %s", took)
	}
	if len(told) != 1 {
		t.Errorf("told: %q", told)
	}
	awaitEnd(t, hung)
	succeed(t, runner)
	if want := []int{hung, os.Getpid(), serverOf(t, runner)}; !slices.Equal(parentsOf(t, parents), want) {
		t.Errorf("runs were started by %v, want %v", parentsOf(t, parents), want)
	}
	if len(told) != 2 {
		t.Errorf("that it works again was not told: %q", told)
	}
}

// TestServerThatWakesUpLateRunsNothing has the process read the request after the
// operator gave it up.
func TestServerThatWakesUpLateRunsNothing(t *testing.T) {
	dir := t.TempDir()
	parents, gate := filepath.Join(dir, "parents"), filepath.Join(dir, "gate")
	// The first run keeps the process from being ended when it is given up.
	runner := fakeAnsible(t, oneResult(parents)+`
if [ "$(wc -l < `+parents+`)" = 1 ]; then while ! [ -e `+gate+` ]; do sleep 0.1; done; fi`, func(string) {})
	ended := make(chan error, 1)
	go func() {
		_, err := runner.Run(t.Context(), sampleRun(t, nil))
		ended <- err
	}()
	awaitLines(t, parents, 1)
	hung := serverOf(t, runner)
	signal(t, hung, syscall.SIGSTOP)
	succeed(t, runner)
	signal(t, hung, syscall.SIGCONT)
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the run that was under way: %v", err)
	}
	awaitEnd(t, hung)
	if got := parentsOf(t, parents); !slices.Equal(got, []int{hung, os.Getpid()}) {
		t.Errorf("runs were started by %v, want %v", got, []int{hung, os.Getpid()})
	}
}

func TestServerThatHangsDuringARunDoesNotKeepIt(t *testing.T) {
	dir := t.TempDir()
	parents, gate := filepath.Join(dir, "parents"), filepath.Join(dir, "gate")
	runner := fakeAnsible(t, oneResult(parents)+`while ! [ -e `+gate+` ]; do sleep 0.1; done`, func(string) {})
	ended := make(chan error, 1)
	go func() {
		_, err := runner.Run(t.Context(), sampleRun(t, nil))
		ended <- err
	}()
	awaitLines(t, parents, 1)
	signal(t, serverOf(t, runner), syscall.SIGSTOP)
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil { // such as that its time is over
		t.Error(err)
	}
	succeed(t, runner) // by another process
}

// TestServerThatCannotLoadAnsible has runs started as without it, and says why, once.
func TestServerThatCannotLoadAnsible(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ program, told string }{
		"no Python program":   {"#!/bin/sh\n# ansible.cli.playbook\nexec sh %s", "does not name a Python interpreter"},
		"no such interpreter": {"#!/usr/bin/env sh\n# ansible.cli.playbook\nexec sh %s", "does not name a Python interpreter"},
		"another program":     {"#!" + python + "\nimport os\nos.execv('/bin/sh', ['sh', '%s'])", "is not a Python program that calls"},
		// Without site, which knows where Debian's modules are.
		"no Ansible": {"#!" + python + " -S\n# ansible.cli.playbook\nimport os\nos.execv('/bin/sh', ['sh', '%s'])", "No module named 'ansible'"},
	} {
		t.Run(name, func(t *testing.T) {
			parents, script := filepath.Join(t.TempDir(), "parents"), filepath.Join(t.TempDir(), "script")
			write(t, script, oneResult(parents))
			var told []string
			runner := fakePlaybook(t, "")
			program, err := exec.LookPath("ansible-playbook")
			if err != nil {
				t.Fatal(err)
			}
			write(t, program, fmt.Sprintf(test.program, script))
			tellServer(t, runner, func(message string) { told = append(told, message) })
			succeed(t, runner)
			succeed(t, runner)
			if got := parentsOf(t, parents); !slices.Equal(got, []int{os.Getpid(), os.Getpid()}) {
				t.Errorf("runs were started by %v, want the test, %d", got, os.Getpid())
			}
			if len(told) != 1 || !strings.Contains(told[0], test.told) {
				t.Errorf("told: %q, want %q once", told, test.told)
			}
		})
	}
}

func TestServerIsReplacedBeforeItCouldLeakMuch(t *testing.T) {
	for name, options := range map[string]forkserver.Options{"runs": {MaxRuns: 1}, "memory": {MaxMemory: 1}} {
		t.Run(name, func(t *testing.T) {
			parents := filepath.Join(t.TempDir(), "parents")
			runner := fakeAnsible(t, oneResult(parents), notTold(t))
			options.Folder, options.Dir, options.Env = runner.WorkDir.server(), runner.ProjectDir, commonEnvironment(runner.WorkDir, runner.ProjectDir)
			options.Log = telling(notTold(t))
			runner.Server.Close()
			runner.Server = forkserver.New(options)
			t.Cleanup(runner.Server.Close)
			for range 3 {
				succeed(t, runner)
			}
			used := parentsOf(t, parents)
			if slices.Sort(used); len(slices.Compact(used)) != 3 {
				t.Errorf("three runs were started by %v", used)
			}
			for _, pid := range used {
				awaitEnd(t, pid)
			}
			runner.Server.Close() // waits until what they leave is removed
			if left, _ := os.ReadDir(runner.WorkDir.server()); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestServerOfOtherFilesIsReplaced changes a plugin that it has loaded.
func TestServerOfOtherFilesIsReplaced(t *testing.T) {
	parents := filepath.Join(t.TempDir(), "parents")
	runner := fakePlaybook(t, "")
	plugin := filepath.Join(runner.ProjectDir, "roles", "nft", "action_plugins", "nft_ruleset.py")
	write(t, plugin, "")
	other := fakeAnsible(t, oneResult(parents), notTold(t))
	other.Server.Close()
	other.ProjectDir = runner.ProjectDir
	tellServer(t, other, notTold(t))
	succeed(t, other)
	succeed(t, other)
	now := time.Now().Add(time.Second)
	if err := os.Chtimes(plugin, now, now); err != nil {
		t.Fatal(err)
	}
	succeed(t, other)
	if used := parentsOf(t, parents); used[0] != used[1] || used[1] == used[2] {
		t.Errorf("runs were started by %v, want the third alone by another", used)
	}
}

// TestOperatorKilledLeavesNothing kills a program that has a run under way, with
// its server well, and with one that is stopped.
func TestOperatorKilledLeavesNothing(t *testing.T) {
	if folder := os.Getenv(operatorEnv); folder != "" {
		actAsOperator(t, folder)
		return
	}
	// The kernel has a stopped process go on by itself where its parent's end
	// leaves it without one in its session. It does not here.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
	for name, stopped := range map[string]bool{"well": false, "stopped": true} {
		t.Run(name, func(t *testing.T) {
			folder := shortDir(t)
			operator := exec.Command(os.Args[0], "-test.run=^TestOperatorKilledLeavesNothing$")
			operator.Env = append(os.Environ(), operatorEnv+"="+folder)
			if err := operator.Start(); err != nil {
				t.Fatal(err)
			}
			awaitLines(t, filepath.Join(folder, "pids"), 3)
			pids := parentsOf(t, filepath.Join(folder, "pids"))
			if stopped {
				signal(t, pids[0], syscall.SIGSTOP)
			}
			if err := operator.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = operator.Wait()
			for _, pid := range pids {
				awaitEnd(t, pid)
			}
		})
	}
}

// actAsOperator has a run under way until it is killed: the process IDs of its
// server, of the run's leader and of a child of that one are in the file pids.
func actAsOperator(t *testing.T, folder string) {
	pids := filepath.Join(folder, "pids")
	runner := fakeAnsible(t, `
echo $PPID >> `+pids+`
echo $$ >> `+pids+`
sh -c 'trap "" TERM; echo $$ >> `+pids+`; exec sleep 300' &
exec sleep 300`, notTold(t))
	_, _ = runner.Run(t.Context(), sampleRun(t, nil))
}
