package ansible

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fakePlaybook puts a shell script in the place of ansible-playbook, to inject
// faults that the real one would show only by chance. The real one runs in
// test/e2e.
func fakePlaybook(t *testing.T, script string) *PlaybookRunner {
	t.Helper()
	bin := t.TempDir()
	write(t, filepath.Join(bin, "ansible-playbook"), "#!/bin/sh\n"+script)
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	work, err := OpenWorkDir(filepath.Join(shortDir(t), "work"))
	if err != nil {
		t.Fatal(err)
	}
	return &PlaybookRunner{WorkDir: work, ProjectDir: t.TempDir(), Timeout: 20 * time.Second}
}

// eachWay runs a test with runs that are started and with forked ones, which are
// to have the same results.
func eachWay(t *testing.T, test func(t *testing.T, fake func(script string) *PlaybookRunner)) {
	t.Helper()
	t.Run("started", func(t *testing.T) {
		test(t, func(script string) *PlaybookRunner { return fakePlaybook(t, script) })
	})
	t.Run("forked", func(t *testing.T) {
		test(t, func(script string) *PlaybookRunner {
			return fakeAnsible(t, script, func(message string) { t.Errorf("not forked: %s", message) })
		})
	})
}

// write a program's file.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestRunReportsEachHost(t *testing.T) {
	eachWay(t, func(t *testing.T, fake func(string) *PlaybookRunner) {
		runner := fake(`
cat > "$NFT_OPERATOR_RESULTS" <<'EOF'
{"host":"gw1","status":"ok","result":{"changed":true,"revision":"abc","action":"elements","elements":{"added":2,"deleted":1},"versions":{"nft":"1.0.6"},"drops":[{"reason":"no_service","packets":3,"bytes":180}],"limits":{"engine":"Nftables","because":"told","action":"none","over":[{"service":"shop/web","packets":12,"bytes":3400}],"interfaces_over":[{"name":"eth0","direction":"egress","packets":7,"bytes":900}]}}}
{"host":"gw2","status":"failed","result":{"reason":"InterfaceNotFound","msg":"eth7 is not there","versions":{"nft":"1.0.6"}}}
{"host":"gw3","status":"unreachable","result":{"msg":"ssh: connect to host 192.0.2.3 port 22: Connection refused"}}
{"host":"gw4","status":"ok","resu
EOF
exit 4`)
		reports, err := runner.Run(t.Context(), sampleRun(t, nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := reports["gw1"]; got.Reason != "" || !got.Outcome.Changed || got.Outcome.Elements.Added != 2 || got.Outcome.Drops[0].Packets != 3 {
			t.Errorf("gw1: %+v", got)
		}
		if got := reports["gw1"].Outcome.Limits; got.Engine != "Nftables" || got.Because != "told" || len(got.Over) != 1 || got.Over[0] != (OverLimit{"shop/web", 12, 3400}) {
			t.Errorf("limits of gw1: %+v", got)
		}
		if got := reports["gw1"].Outcome.Limits.InterfacesOver; len(got) != 1 || got[0] != (InterfaceOverLimit{"eth0", "egress", 7, 900}) {
			t.Errorf("interfaces of gw1 over their limits: %+v", got)
		}
		if got := reports["gw2"]; got.Reason != ReasonInterfaceMissing || got.Message != "eth7 is not there" || got.Outcome.Versions.Nft != "1.0.6" {
			t.Errorf("gw2: %+v", got)
		}
		if got := reports["gw3"]; got.Reason != ReasonConnectionRefused {
			t.Errorf("gw3: %+v", got)
		}
		if _, found := reports["gw4"]; found {
			t.Error("half a line counts as a report")
		}
	})
}

func TestRunFilesArePrivateAndGoneAfterwards(t *testing.T) {
	eachWay(t, func(t *testing.T, fake func(string) *PlaybookRunner) {
		seen := filepath.Join(t.TempDir(), "seen")
		runner := fake(`stat -c '%a %n' "$HOME" "$HOME"/* > ` + seen + `; env > ` + seen + `.env`)
		t.Setenv("KUBECONFIG", "/secret/kubeconfig")
		_, err := runner.Run(t.Context(), sampleRun(t, nil))
		if !errors.Is(err, ErrRunnerFailed) {
			t.Errorf("a run without results: %v", err)
		}
		text, err := os.ReadFile(seen)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if len(lines) != 7 || !strings.HasPrefix(lines[0], "700 ") {
			t.Errorf("files of the run: %q", lines)
		}
		for _, line := range lines[1:] {
			if !strings.HasPrefix(line, "600 ") {
				t.Errorf("not private: %s", line)
			}
		}
		if env, _ := os.ReadFile(seen + ".env"); strings.Contains(string(env), "KUBECONFIG") {
			t.Error("the operator's environment reaches Ansible")
		}
		if left, _ := os.ReadDir(runner.WorkDir.runs()); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestRunThatHangsIsEndedWithAllItsChildren(t *testing.T) {
	eachWay(t, func(t *testing.T, fake func(string) *PlaybookRunner) {
		pids := filepath.Join(t.TempDir(), "pids")
		runner := fake(`
trap '' TERM
sh -c 'trap "" TERM; echo $$ >> ` + pids + `; exec sleep 300' &
echo $$ >> ` + pids + `
while :; do sleep 1; done`)
		runner.Timeout = time.Second
		run := sampleRun(t, nil)
		run.ConfirmTimeoutSeconds = 1
		began := time.Now()
		_, err := runner.Run(t.Context(), run)
		if !errors.Is(err, ErrTimeout) || !strings.Contains(err.Error(), "limit 2s") {
			t.Fatalf("got %v, want ErrTimeout", err)
		}
		if took := time.Since(began); took < 2*time.Second {
			t.Errorf("the run was ended after %s, before the host was done with waiting for its confirmation", took)
		}
		text, err := os.ReadFile(pids)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(line)
			if err != nil {
				t.Fatal(err)
			}
			awaitEnd(t, pid)
		}
	})
}

// awaitEnd waits until a process has ended; a zombie has.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d goes on", pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

func TestRunEndsWithTheOperator(t *testing.T) {
	eachWay(t, func(t *testing.T, fake func(string) *PlaybookRunner) {
		runner := fake(`exec sleep 300`)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(200*time.Millisecond, cancel)
		if _, err := runner.Run(ctx, sampleRun(t, nil)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
}

func TestRunErrorHoldsNoSecret(t *testing.T) {
	eachWay(t, func(t *testing.T, fake func(string) *PlaybookRunner) {
		run := sampleRun(t, nil)
		runner := fake(`echo "ERROR! the playbook could not be found" >&2; exit 1`)
		_, err := runner.Run(t.Context(), run)
		if !errors.Is(err, ErrRunnerFailed) || !strings.Contains(err.Error(), "the playbook could not be found") {
			t.Fatalf("error does not tell the cause: %v", err)
		}
		for _, secret := range []string{"PRIVATE KEY", "ANSIBLE_", runner.WorkDir.runs()} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error holds %q: %v", secret, err)
			}
		}
	})
}

// shortDir is a folder whose path leaves room for sockets; that of t.TempDir
// holds the test's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "work")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestWorkDirSaysThatItsPathIsTooLong(t *testing.T) {
	dir := shortDir(t)
	for length, want := range map[int]bool{longestRoot: true, longestRoot + 1: false} {
		root := dir + "/" + strings.Repeat("w", length-len(dir)-1)
		work, err := OpenWorkDir(root)
		if (err == nil) != want || err != nil && !strings.Contains(err.Error(), "--work-dir") {
			t.Errorf("a path of %d bytes: %v", length, err)
		}
		if err != nil {
			continue
		}
		socket := filepath.Join(work.controls(), strings.Repeat("f", fingerprintLength), "0123456789.0123456789abcdef")
		if err := os.MkdirAll(filepath.Dir(socket), 0o700); err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatalf("a socket of the longest name cannot be made: %v", err)
		}
		_ = listener.Close()
	}
}

func TestWorkDirForgetsRunsOfAKilledOperator(t *testing.T) {
	root := filepath.Join(shortDir(t), "work")
	dir, err := OpenWorkDir(root)
	if err != nil {
		t.Fatal(err)
	}
	left, err := dir.newRun()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, identityFile), []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenWorkDir(root); err == nil {
		t.Fatal("a second operator may work beside a living one")
	}
	if _, err := os.Stat(left); err != nil {
		t.Fatalf("it removed a living operator's run: %v", err)
	}
	if err := dir.Close(); err != nil { // as a kill does
		t.Fatal(err)
	}
	if _, err := OpenWorkDir(root); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("the key of an old run is still there: %v", err)
	}
	if info, err := os.Stat(root); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the work folder: %v %v", info.Mode(), err)
	}
}
