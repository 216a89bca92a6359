package forkserver

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// entryPoint is what an ansible-playbook calls that this package can stand for.
const entryPoint = "ansible.cli.playbook"

// longestEntryPoint bounds what is read of ansible-playbook.
const longestEntryPoint = 64 << 10

// interpreter finds what the kernel would start for a Python program: its
// interpreter, with the arguments of the program's first line. That is the one
// that Ansible was installed for.
func interpreter(program string) ([]string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(bufio.NewReader(io.LimitReader(file, longestEntryPoint)))
	if err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	shebang, found := strings.CutPrefix(string(line), "#!")
	if !found || !bytes.Contains(text, []byte(entryPoint)) {
		return nil, fmt.Errorf("%s is not a Python program that calls %s", path, entryPoint)
	}
	return parseShebang(strings.TrimSpace(shebang))
}

// parseShebang splits the first line of a program as the kernel does: what
// comes after the interpreter is one argument.
func parseShebang(line string) ([]string, error) {
	name, argument, _ := strings.Cut(line, " ")
	if filepath.Base(name) == "env" { // which takes the interpreter from the path
		name, argument = strings.TrimSpace(argument), ""
	}
	if !strings.HasPrefix(filepath.Base(name), "python") || strings.ContainsAny(name, " \t") {
		return nil, fmt.Errorf("%q does not name a Python interpreter", line)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the interpreter of %q", line), err)
	}
	if argument = strings.TrimSpace(argument); argument != "" {
		return []string{path, argument}, nil
	}
	return []string{path}, nil
}
