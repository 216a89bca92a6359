package ansible

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestForkedRunReadsSettingsAnew has the last argument come from a setting that
// Ansible reads from the environment when it is loaded.
func TestForkedRunReadsSettingsAnew(t *testing.T) {
	runner := fakeAnsible(t, `for last; do :; done
test "$last" = "$HOME" || exit 1
`+oneResult(filepath.Join(t.TempDir(), "parents")), notTold(t))
	succeed(t, runner)
}

// TestServerHoldsNothingOfARun looks at the process after some runs.
func TestServerHoldsNothingOfARun(t *testing.T) {
	t.Setenv("KUBECONFIG", "/secret/kubeconfig")
	runner := fakeAnsible(t, oneResult(filepath.Join(t.TempDir(), "parents")), notTold(t))
	succeed(t, runner)
	process := fmt.Sprintf("/proc/%d/", serverOf(t, runner))
	before := descriptors(t, process)
	for range 5 {
		succeed(t, runner)
	}
	// It closes the socket of a run a moment after it told the end.
	after := descriptors(t, process)
	for deadline := time.Now().Add(10 * time.Second); len(after) > len(before) && time.Now().Before(deadline); after = descriptors(t, process) {
		time.Sleep(10 * time.Millisecond)
	}
	if len(after) > len(before) {
		t.Errorf("descriptors after one run: %q; after more: %q", before, after)
	}
	env, err := os.ReadFile(process + "environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"KUBECONFIG", runner.WorkDir.runs()} {
		if strings.Contains(string(env), other) {
			t.Errorf("its environment holds %s", other)
		}
	}
}

// descriptors of a process, with what they are.
func descriptors(t *testing.T, process string) []string {
	t.Helper()
	entries, err := os.ReadDir(process + "fd")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range entries {
		target, _ := os.Readlink(process + "fd/" + entry.Name())
		found = append(found, entry.Name()+" "+target)
	}
	return found
}

// TestRunHasNothingOfOthers looks at what a run has besides its files, while
// others are under way.
func TestRunHasNothingOfOthers(t *testing.T) {
	eachWay(t, func(t *testing.T, fake func(string) *PlaybookRunner) {
		dir := t.TempDir()
		parents := filepath.Join(dir, "parents")
		runner := fake(oneResult(parents) + `
env | cut -d= -f1 | sort > ` + dir + `/env.$$
for f in /proc/$$/fd/*; do readlink "$f"; done > ` + dir + `/fd.$$
until [ "$(wc -l < ` + parents + `)" = 3 ]; do sleep 0.1; done`)
		inherited := strings.Join(descriptors(t, "/proc/self/"), " ")
		ended := make(chan error)
		for range 3 {
			go func() {
				_, err := runner.Run(t.Context(), sampleRun(t, nil))
				ended <- err
			}()
		}
		for range 3 {
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
		}
		want := "ANSIBLE_CONFIG ANSIBLE_FORKS ANSIBLE_INVENTORY_ENABLED ANSIBLE_LOCAL_TEMP ANSIBLE_NOCOLOR ANSIBLE_SSH_CONTROL_PATH_DIR HOME LC_ALL NFT_OPERATOR_RESULTS PATH PWD PYTHONDONTWRITEBYTECODE TMPDIR"
		for _, file := range glob(t, dir+"/env.*", 3) {
			if got := strings.Fields(read(t, file)); strings.Join(got, " ") != want {
				t.Errorf("environment: %q, want %s", got, want)
			}
		}
		for _, file := range glob(t, dir+"/fd.*", 3) {
			got := slices.DeleteFunc(strings.Fields(read(t, file)), func(target string) bool {
				return strings.HasPrefix(target, "/") || strings.Contains(inherited, target)
			})
			if slices.Sort(got); len(slices.Compact(got)) != 2 || !strings.HasPrefix(got[0], "pipe:") || !strings.HasPrefix(got[1], "pipe:") {
				t.Errorf("descriptors besides files: %q, want the two outputs", got)
			}
		}
	})
}

func glob(t *testing.T, pattern string, count int) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) != count {
		t.Fatalf("%s: %v %v", pattern, files, err)
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// operatorEnv names the folder in which the test program is an operator instead.
const operatorEnv = "NFT_OPERATOR_TEST_FOLDER"
