package ansible

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// findAccount returns the environment in which ssh knows who it runs for. ssh
// refuses a user ID that has no line in the user database, and a cluster may
// give a Pod any. Where that is so, dir gets a database of its own, which
// nss_wrapper puts before the system's for the programs of that environment.
func findAccount(dir string) ([]string, error) {
	if err := trySSH(nil); err == nil {
		return nil, nil
	}
	passwd, group := filepath.Join(dir, "passwd"), filepath.Join(dir, "group")
	// Nothing of ours lies in a home: a run names each file that ssh uses.
	user := fmt.Sprintf("nft-operator:x:%d:%d:nft-operator:/nonexistent:/usr/sbin/nologin\n", os.Getuid(), os.Getgid())
	if err := extend("/etc/passwd", user, passwd); err != nil {
		return nil, err
	}
	if err := extend("/etc/group", "", group); err != nil {
		return nil, err
	}
	account := []string{
		// Without a folder: the linker knows where the library of this machine's architecture is.
		"LD_PRELOAD=libnss_wrapper.so",
		"NSS_WRAPPER_PASSWD=" + passwd,
		"NSS_WRAPPER_GROUP=" + group,
	}
	if err := trySSH(account); err != nil {
		return nil, fmt.Errorf("ssh does not work for user ID %d (%w): install the package libnss-wrapper, or give that ID a line in /etc/passwd", os.Getuid(), err)
	}
	return account, nil
}

// trySSH has ssh do what needs no connection, but does need the user.
func trySSH(account []string) error {
	command := exec.Command("ssh", "-F", "none", "-G", "host.invalid")
	command.Env = append([]string{"PATH=" + os.Getenv("PATH")}, account...)
	var output bytes.Buffer
	command.Stderr = &output
	if err := command.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, printable(output.String()))
	}
	return nil
}

// extend writes a database with a line before those of the system's.
func extend(system, line, path string) error {
	lines, err := os.ReadFile(system)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return writeAnew(path, append([]byte(line), lines...))
}
