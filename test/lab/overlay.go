package lab

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// What a box takes over from the machine: programs and their configuration.
// Everything else at the root, home directories and sources for example, is not
// there, so that nothing works in the lab only because of it.
var takenOver = []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "var"}

// emptied directories exist in a box, with nothing of the machine's in them.
var emptied = map[string]fs.FileMode{
	"dev": 0o755, "proc": 0o555, "sys": 0o555, "run": 0o755,
	"root": 0o700, "home": 0o755, "opt": 0o755, "tmp": 0o777 | os.ModeSticky, "var/tmp": 0o777 | os.ModeSticky,
	"etc/ssh/sshd_config.d": 0o755, "etc/sudoers.d": 0o755,
}

// removed files would tell a box of what the machine, as a gateway itself, has
// been through.
var removed = []string{"etc/nftables.d", "etc/nft-operator", "var/lib/nft-operator"}

// stockRuleset is what a fresh Debian host has in /etc/nftables.conf.
const stockRuleset = `#!/usr/sbin/nft -f

flush ruleset

table inet filter {
	chain input {
		type filter hook input priority filter;
	}
	chain forward {
		type filter hook forward priority filter;
	}
	chain output {
		type filter hook output priority filter;
	}
}
`

// upper is the writable layer of a box's files, over the machine's.
type upper string

// prepareFiles fills the writable layer of a box before it is mounted.
func prepareFiles(directory string, box *Box) error {
	for _, name := range []string{"upper", "work", "root"} {
		if err := os.MkdirAll(filepath.Join(directory, name), 0o755); err != nil {
			return err
		}
	}
	layer := upper(filepath.Join(directory, "upper"))
	for _, step := range []func() error{
		layer.hideTheMachine,
		layer.emptyDirectories,
		func() error { return layer.write("etc/nftables.conf", stockRuleset, 0o755) },
		func() error { return layer.name(box) },
		func() error { return layer.addAccounts(box.key) },
		func() error { return layer.write("etc/ssh/sshd_config", sshdConfiguration, 0o644) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (u upper) hideTheMachine() error {
	entries, err := os.ReadDir("/")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		_, kept := emptied[entry.Name()]
		if kept || slices.Contains(takenOver, entry.Name()) {
			continue
		}
		if err := u.hide(entry.Name()); err != nil {
			return err
		}
	}
	for _, path := range removed {
		if err := u.hide(path); err != nil {
			return err
		}
	}
	return nil
}

func (u upper) emptyDirectories() error {
	for path, mode := range emptied {
		target := filepath.Join(string(u), path)
		if err := os.MkdirAll(target, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(target, mode); err != nil {
			return err
		}
		// overlayfs's mark for "look no further down".
		if err := unix.Setxattr(target, "trusted.overlay.opaque", []byte("y"), 0); err != nil {
			return fmt.Errorf("empty /%s of a box: %w; the lab needs a tmpfs with extended attributes", path, err)
		}
	}
	return nil
}

// hide puts overlayfs's mark for "not there", a device 0/0, in a file's place.
func (u upper) hide(path string) error {
	target := filepath.Join(string(u), path)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if err := unix.Mknod(target, unix.S_IFCHR, 0); err != nil {
		return fmt.Errorf("hide /%s from a box: %w", path, err)
	}
	return nil
}

func (u upper) write(path, content string, mode fs.FileMode) error {
	target := filepath.Join(string(u), path)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(target, []byte(content), mode); err != nil {
		return err
	}
	return os.Chmod(target, mode)
}

// name makes the host name resolve, which sudo wants.
func (u upper) name(box *Box) error {
	if err := u.write("etc/hostname", box.Name+"\n", 0o644); err != nil {
		return err
	}
	return u.write("etc/hosts", fmt.Sprintf("127.0.0.1 localhost %[1]s\n::1 localhost %[1]s\n", box.Name), 0o644)
}
