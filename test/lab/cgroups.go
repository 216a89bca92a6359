package lab

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cgroupRoot is where the machine has its control groups.
const cgroupRoot = "/sys/fs/cgroup"

// cgroupVariable names the control group of the lab's Pods: a path below each
// hierarchy of the machine.
const cgroupVariable = "NFT_OPERATOR_LAB_CGROUP"

// cgroupsGoneWithin is how long the kernel may take to end the processes of a
// lab that was killed.
const cgroupsGoneWithin = 20 * time.Second

// undertaker takes the lab's control groups away when the lab is gone, however
// it went: they are the only thing of the lab that does not go with its
// processes. It is a process of its own, outside of the lab.
type undertaker struct {
	command  *exec.Cmd
	lifeline io.Closer
}

// prepareNode does outside of the lab what its node needs, and returns what the
// inside is to be told.
func prepareNode() (environment []string, _ *undertaker, err error) {
	directories, err := EnsureNode(os.Stderr)
	if err != nil {
		return nil, nil, err
	}
	name, undertaker, err := makeCgroups()
	return []string{nodeVariable + "=" + strings.Join(directories, ":"), cgroupVariable + "=" + name}, undertaker, err
}

// makeCgroups makes the control group of this lab's Pods, and the process that
// takes it away.
func makeCgroups() (name string, _ *undertaker, err error) {
	name = "nft-operator-lab-" + strings.ToLower(rand.Text())[:8]
	u := &undertaker{command: exec.Command("/proc/self/exe")}
	u.command.Env = []string{stageVariable + "=" + stageUndertaker, cgroupVariable + "=" + name}
	u.command.Stderr = os.Stderr
	// Neither Ctrl-C nor the end of the terminal reaches it.
	u.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if u.lifeline, err = u.command.StdinPipe(); err != nil {
		return "", nil, err
	}
	if err := u.command.Start(); err != nil {
		return "", nil, err
	}
	for _, hierarchy := range cgroupHierarchies() {
		if err := os.Mkdir(filepath.Join(hierarchy, name), 0o755); err != nil {
			return "", nil, errors.Join(fmt.Errorf("make a control group for Pods: %w", err), u.end())
		}
	}
	return name, u, nil
}

// end has the control groups taken away, and waits for it.
func (u *undertaker) end() error {
	if err := errors.Join(u.lifeline.Close(), u.command.Wait()); err != nil {
		return fmt.Errorf("take the control groups of Pods away: %w", err)
	}
	return nil
}

// undertakerMain waits until the lab's outer process is gone or says so.
func undertakerMain() int {
	_, _ = io.Copy(io.Discard, os.Stdin)
	var err error
	for _, hierarchy := range cgroupHierarchies() {
		err = errors.Join(err, removeCgroup(filepath.Join(hierarchy, os.Getenv(cgroupVariable))))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		return 1
	}
	return 0
}

// cgroupHierarchies are one for each controller, or one for all.
func cgroupHierarchies() []string {
	var found unix.Statfs_t
	if err := unix.Statfs(cgroupRoot, &found); err == nil && found.Type == unix.CGROUP2_SUPER_MAGIC {
		return []string{cgroupRoot}
	}
	entries, _ := os.ReadDir(cgroupRoot)
	var hierarchies []string
	for _, entry := range entries {
		if entry.IsDir() { // others are other names of the same
			hierarchies = append(hierarchies, filepath.Join(cgroupRoot, entry.Name()))
		}
	}
	return hierarchies
}

// removeCgroup removes a control group with those below it, when their last
// processes are gone.
func removeCgroup(path string) error {
	if !strings.HasPrefix(path, cgroupRoot+"/") {
		return fmt.Errorf("%q is no control group of the lab", path)
	}
	deadline := time.Now().Add(cgroupsGoneWithin)
	for {
		err := removeDirectories(path)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// removeDirectories removes directories only, the innermost first: the files of
// a control group go with it.
func removeDirectories(path string) error {
	var directories []string
	err := filepath.WalkDir(path, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			directories = append(directories, path)
		}
		return err
	})
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, directory := range slices.Backward(directories) {
		err = errors.Join(err, unix.Rmdir(directory))
	}
	return err
}
