package lab

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	performStay  = "stay"  // build a topology and stay
	performCatch = "catch" // stay until SIGINT, then leave in good order
	performFail  = "fail"  // leave at once
	performDoor  = "door"  // let the API server be reached from outside
	performPods  = "pods"  // have a process in a control group of Pods, and stay
)

const (
	failureCode = 7
	caughtCode  = 8
)

// perform is what a lab within the lab does.
func perform(what string) int {
	switch what {
	case performFail:
		return failureCode
	case performDoor:
		return openDoor()
	}
	if err := furnishPerformance(what); err != nil {
		fmt.Println(err)
		return 1
	}
	interrupted := make(chan os.Signal, 1)
	if what == performCatch {
		signal.Notify(interrupted, os.Interrupt)
	}
	fmt.Println("ready")
	<-interrupted
	return caughtCode
}

func furnishPerformance(what string) error {
	if what == performPods {
		return standInForPod()
	}
	_, err := NewTopology(Layout{Gateways: 1})
	return err
}

// standInForPod makes control groups as a kubelet does, and a process in one.
func standInForPod() error {
	sleeper := exec.Command("sleep", "infinity")
	if err := sleeper.Start(); err != nil {
		return err
	}
	for _, hierarchy := range cgroupHierarchies() {
		pod := filepath.Join(hierarchy, os.Getenv(cgroupVariable), "kubepods", "pod")
		if err := os.MkdirAll(pod, 0o755); err != nil {
			return err
		}
		if base := filepath.Base(hierarchy); base != "pids" && hierarchy != cgroupRoot {
			continue // some want to be configured first
		}
		if err := os.WriteFile(filepath.Join(pod, "cgroup.procs"), []byte(strconv.Itoa(sleeper.Process.Pid)), 0); err != nil {
			return err
		}
	}
	return nil
}

func startPerformance(t *testing.T, what string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), performanceVariable+"="+what)
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if line != "ready\n" {
		t.Fatalf("the inner lab said %q, %v", line, err)
	}
	return cmd
}

// traces is everything of a lab that the kernel shows.
type traces struct {
	processes, namespaces, mounts, cgroups []string
}

func (s traces) equal(other traces) bool {
	return slices.Equal(s.processes, other.processes) &&
		slices.Equal(s.namespaces, other.namespaces) && slices.Equal(s.mounts, other.mounts) &&
		slices.Equal(s.cgroups, other.cgroups)
}

func takeTraces(t *testing.T) traces {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	links, err := filepath.Glob("/proc/[0-9]*/ns/*")
	if err != nil {
		t.Fatal(err)
	}
	namespaces := map[string]bool{}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			namespaces[target] = true
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var cgroups []string
	for _, hierarchy := range cgroupHierarchies() {
		found, err := filepath.Glob(filepath.Join(hierarchy, "nft-operator-lab-*"))
		if err != nil {
			t.Fatal(err)
		}
		cgroups = append(cgroups, found...)
	}
	return traces{
		cgroups:    cgroups,
		processes:  processes,
		namespaces: slices.Sorted(maps.Keys(namespaces)),
		mounts:     strings.Split(string(mounts), "\n"),
	}
}

// expectNothingMore waits until no trace is left of what was started meanwhile.
func expectNothingMore(t *testing.T, before traces) {
	t.Helper()
	err := await(5*time.Second, func() error {
		if after := takeTraces(t); !after.equal(before) {
			return fmt.Errorf("left behind; before:\n%v\nafter:\n%v", before, after)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// childOf finds the only child of a process.
func childOf(t *testing.T, parent int) int {
	t.Helper()
	path := fmt.Sprintf("/proc/%[1]d/task", parent)
	tasks, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		children, err := os.ReadFile(filepath.Join(path, task.Name(), "children"))
		if err != nil {
			t.Fatal(err)
		}
		if fields := strings.Fields(string(children)); len(fields) > 0 {
			child, err := strconv.Atoi(fields[0])
			if err != nil {
				t.Fatal(err)
			}
			return child
		}
	}
	t.Fatalf("process %d has no child", parent)
	return 0
}

func TestNothingIsLeftBehind(t *testing.T) {
	outer := func(_ *testing.T, outer int) int { return outer }
	first := func(t *testing.T, outer int) int { return childOf(t, outer) }
	inner := func(t *testing.T, outer int) int { return childOf(t, childOf(t, outer)) }
	for name, test := range map[string]struct {
		performance string
		victim      func(*testing.T, int) int
		signal      syscall.Signal
		code        int
	}{
		"outer killed":               {performStay, outer, syscall.SIGKILL, 128 + int(syscall.SIGKILL)},
		"pid 1 killed":               {performStay, first, syscall.SIGKILL, 128 + int(syscall.SIGKILL)},
		"inner killed":               {performStay, inner, syscall.SIGKILL, 128 + int(syscall.SIGKILL)},
		"outer terminated":           {performStay, outer, syscall.SIGTERM, 128 + int(syscall.SIGTERM)},
		"outer interrupted":          {performStay, outer, syscall.SIGINT, 128 + int(syscall.SIGINT)},
		"outer killed, with Pods":    {performPods, outer, syscall.SIGKILL, 128 + int(syscall.SIGKILL)},
		"outer terminated with Pods": {performPods, outer, syscall.SIGTERM, 128 + int(syscall.SIGTERM)},
	} {
		t.Run(name, func(t *testing.T) {
			before := takeTraces(t)
			cmd := startPerformance(t, test.performance)
			during := takeTraces(t)
			if len(during.processes) < len(before.processes)+4 {
				t.Errorf("only %d processes before and %d during: the traces would not show what is left", len(before.processes), len(during.processes))
			}
			if test.performance == performPods && len(during.cgroups) <= len(before.cgroups) {
				t.Errorf("no control group was made; there are %v", during.cgroups)
			}
			if err := syscall.Kill(test.victim(t, cmd.Process.Pid), test.signal); err != nil {
				t.Fatal(err)
			}
			code, err := exitCode(cmd.Wait())
			if err != nil || code != test.code {
				t.Errorf("exit code %d, %v; want %d", code, err, test.code)
			}
			expectNothingMore(t, before)
		})
	}
}

func TestInterruptReachesTheInnerProcess(t *testing.T) {
	cmd := startPerformance(t, performCatch)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code, err := exitCode(cmd.Wait()); err != nil || code != caughtCode {
		t.Errorf("exit code %d, %v; want the inner process's own, %d", code, err, caughtCode)
	}
}

func TestExitCodeComesOut(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), performanceVariable+"="+performFail)
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != failureCode {
		t.Errorf("%v; want exit code %d", err, failureCode)
	}
}
