package prepare_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the goldens anew; look at the difference before committing it")

// readers of what is written; a "%s" stands for the file. They judge it without
// doing it. frr.conf is read by FRR itself, in test/vm.
var readers = map[string][]string{
	"sudoers":   {"visudo", "--check", "--file=%s"},
	"sshd.conf": {"/usr/sbin/sshd", "-t", "-f", "%s"},
}

// TestGoldens compares what every scenario renders to with its golden, and has
// the program that it is for read it.
func TestGoldens(t *testing.T) {
	must(t, os.MkdirAll("/run/sshd", 0o755)) // sshd wants it even for a check
	for _, scenario := range []string{"plain", "frr", "frr-cluster-only"} {
		t.Run(scenario, func(t *testing.T) {
			for name, rendered := range render(t, scenario) {
				path := filepath.Join("testdata", scenario, name)
				if *update {
					must(t, os.WriteFile(path, []byte(rendered), 0o600))
				}
				if want := read(t, path); rendered != want {
					t.Errorf("%s has changed; if that is meant, run this test with -update\nwant:\n%s\ngot:\n%s", path, want, rendered)
				}
				if complaint, ok := judge(t, name, rendered); !ok {
					t.Errorf("%s is refused: %s", path, complaint)
				}
			}
		})
	}
}

// TestBadFilesAreRefused shows that the judges of the goldens can refuse.
func TestBadFilesAreRefused(t *testing.T) {
	must(t, os.MkdirAll("/run/sshd", 0o755))
	for name, change := range map[string][2]string{
		"sudoers":   {"NOPASSWD:", "NOPASSWD"},
		"sshd.conf": {"AuthenticationMethods", "AuthenticationMethod"},
	} {
		t.Run(name, func(t *testing.T) {
			good := read(t, filepath.Join("testdata", "frr", name))
			bad := strings.Replace(good, change[0], change[1], 1)
			if _, ok := judge(t, name, bad); ok || bad == good {
				t.Errorf("taken:\n%s", bad)
			}
		})
	}
}

// judge has the program that a file is for read it.
func judge(t *testing.T, name, content string) (complaint string, ok bool) {
	t.Helper()
	reader, found := readers[name]
	if !found {
		return "", true
	}
	file := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(file, []byte(content), 0o600))
	arguments := make([]string, 0, len(reader))
	for _, argument := range reader[1:] {
		arguments = append(arguments, strings.ReplaceAll(argument, "%s", file))
	}
	output, err := exec.Command(reader[0], arguments...).CombinedOutput()
	return string(output), err == nil
}
