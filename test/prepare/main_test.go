// Package prepare_test proves what roles/prepare writes on a gateway: with the
// programs that read it, and with the operator's playbook. That the role makes a
// gateway of a bare machine is proved in test/vm.
package prepare_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nft-operator/nft-operator/test/lab"
)

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{})
	os.Exit(m.Run())
}

// repository is the path of a file of the repository.
func repository(t *testing.T, elements ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{"..", ".."}, elements...)...))
	must(t, err)
	return path
}

// read a file.
func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return string(content)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
