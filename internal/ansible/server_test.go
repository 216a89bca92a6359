package ansible

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
)

// ansiblePackage has as much of Ansible's as is called from outside. Its main is
// a shell script.
var ansiblePackage = map[string]string{
	"ansible/__init__.py":     "",
	"ansible/cli/__init__.py": "",
	"ansible/cli/playbook.py": `
import os, sys
from ansible import constants
def main():
    script = os.path.join(os.path.dirname(__file__), "..", "..", "script")
    os.execve("/bin/sh", ["sh", script] + sys.argv[1:] + [constants.ANSIBLE_HOME], os.environ)
`,
	"ansible/constants.py": `
import os
class config:
    get_configuration_definitions = staticmethod(lambda: {"ANSIBLE_HOME": {}})
    get_config_value = staticmethod(lambda name, variables: os.path.expanduser("~"))
def set_constant(name, value):
    globals()[name] = value
set_constant("ANSIBLE_HOME", config.get_config_value("ANSIBLE_HOME", {}))
CONFIG_FILE = None
DEFAULT_LOCAL_TMP = "/nonexistent"
`,
	"ansible/release.py": "",
}

// fakeAnsible puts a shell script in the place of what is called when Ansible is
// loaded, for runs that are forked, and those that are started where that fails.
// Where it does, told is called.
func fakeAnsible(t *testing.T, script string, told func(message string)) *PlaybookRunner {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	runner := fakePlaybook(t, "")
	lib, bin := t.TempDir(), t.TempDir()
	for name, text := range ansiblePackage {
		write(t, filepath.Join(lib, name), text)
	}
	write(t, filepath.Join(lib, "script"), script)
	interpreter := filepath.Join(bin, "python3")
	write(t, interpreter, fmt.Sprintf("#!/bin/sh\nPYTHONPATH=%s exec %s \"$@\"\n", lib, python))
	write(t, filepath.Join(bin, "ansible-playbook"), "#!"+interpreter+"\nfrom ansible.cli.playbook import main\nmain()\n")
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	tellServer(t, runner, told)
	return runner
}

// tellServer has the runner's runs forked. Where they cannot be, told is called.
func tellServer(t *testing.T, runner *PlaybookRunner, told func(message string)) {
	t.Helper()
	runner.Server = NewServer(runner.WorkDir, runner.ProjectDir, telling(told))
	t.Cleanup(runner.Server.Close)
	_ = runner.Server.Warm(t.Context()) // the log is told what is wrong
}

// telling is a log that calls told, but not for what a fake does not have.
func telling(told func(message string)) logr.Logger {
	return funcr.New(func(_, message string) {
		if !strings.Contains(message, "beforehand") {
			told(message)
		}
	}, funcr.Options{})
}
