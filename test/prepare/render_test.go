package prepare_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// play runs render.yml for one scenario of testdata, with other variables where
// they are given as JSON, and returns what Ansible printed.
func play(t *testing.T, scenario, folder, variables string) (output string, err error) {
	t.Helper()
	if variables == "" {
		variables = "{}"
	}
	cmd := exec.Command("ansible-playbook", "--inventory", scenario+",", "render.yml", "--extra-vars", variables,
		"--extra-vars", "ansible_python_interpreter=/usr/bin/python3 rendered="+folder+" role_folder="+repository(t, "roles", "prepare"))
	cmd.Env = append(os.Environ(), "ANSIBLE_CONFIG="+repository(t, "ansible.cfg"), "ANSIBLE_LOCAL_TEMP="+t.TempDir(), "ANSIBLE_NOCOLOR=1")
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// render returns what the role writes in a scenario, by the template's name.
func render(t *testing.T, scenario string) map[string]string {
	t.Helper()
	folder := t.TempDir()
	if output, err := play(t, scenario, folder, ""); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	must(t, err)
	rendered := map[string]string{}
	for _, file := range files {
		rendered[filepath.Base(file)] = read(t, file)
	}
	return rendered
}
