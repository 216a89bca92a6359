package lab

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// containerMain is the first process of a container until it becomes the
// container's program, with none of root's rights left.
func containerMain() int {
	var c container
	err := json.Unmarshal([]byte(os.Getenv(containerVariable)), &c)
	if err == nil {
		err = c.furnish()
	}
	if err == nil {
		err = c.become()
	}
	fmt.Fprintf(os.Stderr, "lab: container %s: %v\n", c.Name, err)
	return 1
}

func (c *container) furnish() error {
	for _, step := range []func(string) error{c.mountImage, mountKernelFiles, mountDevices, c.mountBinds, makeReadOnly, changeRoot} {
		if err := step(c.Root); err != nil {
			return err
		}
	}
	if err := unix.Sethostname([]byte(c.Name)); err != nil {
		return err
	}
	return os.Chdir(projectDirectory)
}

// mountImage mounts the image so that not even root could write to it: it has
// no writable layer.
func (c *container) mountImage(root string) error {
	if err := unix.Mount("overlay", root, "overlay", unix.MS_RDONLY, "lowerdir="+c.Layer+":/"); err != nil {
		return fmt.Errorf("mount the image over the machine's files: %w; the lab needs a kernel with overlayfs", err)
	}
	return nil
}

func (c *container) mountBinds(root string) error {
	for _, bind := range c.Mounts {
		target := filepath.Join(root, bind.Target)
		if err := unix.Mount(bind.Source, target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s: %w", bind.Target, err)
		}
		if bind.ReadOnly {
			if err := remountReadOnly(target); err != nil {
				return err
			}
		}
	}
	return nil
}

// makeReadOnly is for what is there beside the image. /dev/shm stays writable,
// as in every container.
func makeReadOnly(root string) error {
	for _, path := range []string{"sys", "dev"} {
		if err := remountReadOnly(filepath.Join(root, path)); err != nil {
			return err
		}
	}
	return nil
}

func remountReadOnly(path string) error {
	var present unix.Statfs_t
	if err := unix.Statfs(path, &present); err != nil {
		return err
	}
	// The flags of statfs(2) and mount(2) are the same where both have them.
	kept := uintptr(present.Flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	if err := unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|kept, ""); err != nil {
		return fmt.Errorf("make %s read-only: %w", path, err)
	}
	return nil
}

// become runs the program as a user who has no capability and can get none.
func (c *container) become() error {
	arguments := append([]string{
		"setpriv", "--reuid", strconv.Itoa(containerUser), "--regid", strconv.Itoa(containerGroup), "--clear-groups",
		"--bounding-set", "-all", "--inh-caps", "-all", "--ambient-caps", "-all", "--no-new-privs", "--",
	}, c.Command...)
	return unix.Exec("/usr/bin/setpriv", arguments, c.Environment)
}
