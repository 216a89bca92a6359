package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// User is an account on every box, besides root, that the lab's key logs in to
// and that may use sudo without a password.
const User = "nftop"

const userNumber = 1999

// addAccounts lets a key log in as root and as User.
func (u upper) addAccounts(key Key) error {
	lines := map[string]string{
		"etc/passwd": fmt.Sprintf("%s:x:%[2]d:%[2]d::/home/%[1]s:/bin/sh", User, userNumber),
		"etc/group":  fmt.Sprintf("%s:x:%d:", User, userNumber),
		// No password fits '*', and unlike '!' it does not lock the account.
		"etc/shadow": User + ":*:19000:0:99999:7:::",
	}
	for path, line := range lines {
		if err := u.appendToMachines(path, line); err != nil {
			return err
		}
	}
	if err := u.write("etc/sudoers.d/"+User, User+" ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440); err != nil {
		return err
	}
	if err := u.authorize("root", 0, key); err != nil {
		return err
	}
	return u.authorize("home/"+User, userNumber, key)
}

// appendToMachines gives the box the machine's file with a line more. Root's
// account is unlocked in it.
func (u upper) appendToMachines(path, line string) error {
	content, err := os.ReadFile(filepath.Join("/", path))
	if err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	if path == "etc/shadow" {
		mode = 0o600
		for i, entry := range lines {
			fields := strings.Split(entry, ":")
			if fields[0] == "root" && len(fields) > 1 {
				fields[1] = "*"
				lines[i] = strings.Join(fields, ":")
			}
		}
	}
	return u.write(path, strings.Join(append(lines, line), "\n")+"\n", mode)
}

// authorize lets a key log in to the account whose home is given.
func (u upper) authorize(home string, owner int, key Key) error {
	file := filepath.Join(home, ".ssh", "authorized_keys")
	if err := u.write(file, key.Public+"\n", 0o600); err != nil {
		return err
	}
	for _, path := range []string{home, filepath.Dir(file), file} {
		target := filepath.Join(string(u), path)
		if err := os.Chown(target, owner, owner); err != nil {
			return err
		}
		if path == file {
			continue
		}
		// sshd refuses a key file that others could have replaced.
		if err := os.Chmod(target, 0o700); err != nil {
			return err
		}
	}
	return nil
}
