package role_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/test/lab"
)

var update = flag.Bool("update", false, "write the goldens anew; look at the difference before committing it")

const golden = "nftables.conf"

// TestGoldens compares what every scenario renders to with its golden, and has
// the real nft read it.
func TestGoldens(t *testing.T) {
	namespace := emptyNamespace(t, "goldens")
	for scenario, files := range renderScenarios(t) {
		for name, rendered := range files {
			t.Run(scenario+"/"+name, func(t *testing.T) {
				path := filepath.Join("testdata", scenario, name)
				if *update {
					if err := os.WriteFile(path, []byte(rendered), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if want := read(t, path); rendered != want {
					t.Errorf("%s has changed; if that is meant, run this test with -update\n%s", path, difference(t, want, rendered))
				}
				// Lines for tc have names in the place of numbers; they are loaded where
				// limits are tested, and in the machine.
				if strings.HasSuffix(name, ".tc") {
					return
				}
				if complaint, ok := check(namespace, rendered); !ok {
					t.Errorf("nft refuses %s:\n%s", path, complaint)
				}
			})
		}
	}
}

// TestBadGoldenIsRefused shows that the check of the goldens can fail.
func TestBadGoldenIsRefused(t *testing.T) {
	complaint, ok := check(emptyNamespace(t, "refused"), read(t, filepath.Join("testdata", "refused", golden)))
	if ok || !strings.Contains(complaint, "203.0.113.256") {
		t.Errorf("nft takes an address that is none: %q", complaint)
	}
}

// renderScenarios renders every scenario with the code of the role.
func renderScenarios(t *testing.T) map[string]map[string]string {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", "render.py")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("render: %v: %s", err, complaints.Bytes())
	}
	var rendered map[string]map[string]string
	if err := json.Unmarshal(output, &rendered); err != nil {
		t.Fatal(err)
	}
	return rendered
}

// emptyNamespace is a network namespace that no ruleset was loaded in.
func emptyNamespace(t *testing.T, name string) *lab.Namespace {
	t.Helper()
	namespace, err := lab.NewNamespace(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := namespace.Close(); err != nil {
			t.Error(err)
		}
	})
	return namespace
}

// check asks the real nft whether it would load a ruleset.
func check(namespace *lab.Namespace, ruleset string) (complaint string, ok bool) {
	cmd := namespace.Command("nft", "--check", "--file", "-")
	cmd.Stdin = strings.NewReader(ruleset)
	output, err := cmd.CombinedOutput()
	return string(output), err == nil
}

// difference shows two texts as diff does.
func difference(t reporter, before, after string) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "difference-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	for name, text := range map[string]string{"before": before, "after": after} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("diff", "--unified", "before", "after")
	cmd.Dir = folder
	output, _ := cmd.Output() // 1 says that they differ
	return string(output)
}
