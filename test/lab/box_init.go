package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// boxMain is pid 1 of a box: it mounts the box's files, makes them its root and
// reaps until the box is killed.
func boxMain() int {
	directory := os.Getenv(boxVariable)
	ready := os.NewFile(readyDescriptor, "ready")
	unix.CloseOnExec(readyDescriptor)
	if err := furnishBox(directory); err != nil {
		_, _ = fmt.Fprint(ready, err)
		return 1
	}
	_, _ = fmt.Fprint(ready, "ready")
	_ = ready.Close()
	return statusCode(reap(0))
}

func furnishBox(directory string) error {
	root := filepath.Join(directory, "root")
	for _, step := range []func(string) error{mountOverlay, mountKernelFiles, mountDevices, mountRun, mountBinds, changeRoot} {
		if err := step(root); err != nil {
			return err
		}
	}
	return unix.Sethostname([]byte(filepath.Base(directory)))
}

func mountOverlay(root string) error {
	directory := filepath.Dir(root)
	options := fmt.Sprintf("lowerdir=/,upperdir=%[1]s/upper,workdir=%[1]s/work", directory)
	if err := unix.Mount("overlay", root, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount files over the machine's: %w; the lab needs a kernel with overlayfs", err)
	}
	return nil
}

func mountKernelFiles(root string) error {
	for target, kind := range map[string]string{"proc": "proc", "sys": "sysfs"} {
		flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
		if err := unix.Mount(kind, filepath.Join(root, target), kind, flags, ""); err != nil {
			return fmt.Errorf("mount /%s: %w", target, err)
		}
	}
	return nil
}

// mountDevices makes a /dev with what every container has, by binding the
// machine's nodes: that works where making nodes is forbidden.
func mountDevices(root string) error {
	devices := filepath.Join(root, "dev")
	if err := unix.Mount("tmpfs", devices, "tmpfs", unix.MS_NOSUID, "mode=0755"); err != nil {
		return fmt.Errorf("mount /dev: %w", err)
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		target := filepath.Join(devices, name)
		if err := os.WriteFile(target, nil, 0o666); err != nil {
			return err
		}
		if err := unix.Mount(filepath.Join("/dev", name), target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind /dev/%s: %w", name, err)
		}
	}
	for name, target := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2",
	} {
		if err := os.Symlink(target, filepath.Join(devices, name)); err != nil {
			return err
		}
	}
	for name, kind := range map[string]string{"pts": "devpts", "shm": "tmpfs"} {
		target := filepath.Join(devices, name)
		if err := os.Mkdir(target, 0o755); err != nil {
			return err
		}
		options := map[string]string{"devpts": "newinstance,ptmxmode=0666,mode=0620", "tmpfs": "mode=1777"}[kind]
		if err := unix.Mount(kind, target, kind, unix.MS_NOSUID|unix.MS_NOEXEC, options); err != nil {
			return fmt.Errorf("mount /dev/%s: %w", name, err)
		}
	}
	return nil
}

func mountRun(root string) error {
	run := filepath.Join(root, "run")
	if err := unix.Mount("tmpfs", run, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	for _, name := range []string{"sshd", "lock"} {
		if err := os.Mkdir(filepath.Join(run, name), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// bindsVariable tells the box's pid 1 what it sees of the machine, besides.
const bindsVariable = "NFT_OPERATOR_LAB_BINDS"

// binds are paths of the machine by the path at which a box sees them.
type binds map[string]string

func (b binds) String() string {
	var pairs []string
	for target, source := range b {
		pairs = append(pairs, target+"="+source)
	}
	return strings.Join(pairs, " ")
}

func mountBinds(root string) error {
	for pair := range strings.FieldsSeq(os.Getenv(bindsVariable)) {
		target, source, _ := strings.Cut(pair, "=")
		if err := mountBind(source, filepath.Join(root, target)); err != nil {
			return fmt.Errorf("bind %s: %w", source, err)
		}
	}
	return nil
}

func mountBind(source, target string) error {
	information, err := os.Stat(source)
	switch {
	case err != nil:
		return err
	case information.IsDir():
		err = os.MkdirAll(target, 0o755)
	default:
		err = os.WriteFile(target, nil, 0o600)
	}
	if err != nil {
		return err
	}
	return unix.Mount(source, target, "", unix.MS_BIND|unix.MS_REC, "")
}

// changeRoot makes root the only file system that the box sees.
func changeRoot(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	// The old root lands on top of the new one and is taken off again.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("change root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the old root: %w", err)
	}
	return os.Chdir("/")
}
