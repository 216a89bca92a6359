// Package role_test proves the role roles/nft with the real ansible-playbook,
// the real nft and a kernel's network namespaces.
package role_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/nft-operator/nft-operator/test/lab"
)

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{})
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil { // those that run side by side mostly wait
		panic(err)
	}
	os.Exit(m.Run())
}

// reporter is what tests and properties have in common.
type reporter interface {
	Helper()
	Errorf(format string, arguments ...any)
	Fatal(arguments ...any)
	Fatalf(format string, arguments ...any)
}

// repository is the path of a file of the repository.
func repository(t reporter, elements ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{"..", ".."}, elements...)...))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// read a file.
func read(t reporter, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
