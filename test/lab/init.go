package lab

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// labDirectory holds everything that the lab writes. It lies on the lab's own
// /run, so it is gone when the lab is.
const labDirectory = "/run/nft-operator-lab"

// initMain is pid 1 of the lab: it furnishes the namespaces, starts the program
// again and reaps. When it returns, the kernel ends every process of the lab.
func initMain() int {
	if os.Getpid() != 1 {
		fmt.Fprintf(os.Stderr, "lab: %s is set, but this is no pid 1; unset it\n", stageVariable)
		return 1
	}
	unix.CloseOnExec(lifelineDescriptor)
	go dieWithLifeline()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, passedOn...)
	if err := furnish(); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		return 1
	}
	child, err := startInside()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		return 1
	}
	go func() {
		for received := range signals {
			_ = syscall.Kill(child, received.(syscall.Signal))
		}
	}()
	return statusCode(reap(child))
}

func dieWithLifeline() {
	_, _ = io.Copy(io.Discard, os.NewFile(lifelineDescriptor, "lifeline"))
	os.Exit(1)
}

// furnish makes the new namespaces fit to work in.
func furnish() error {
	// Users other than root read what the lab writes, whatever the caller's habit.
	unix.Umask(0o022)
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w; in a chroot, its root must be a mount: mount --bind ROOT ROOT before chroot", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	for _, directory := range []string{"/run", "/dev/shm"} {
		if err := unix.Mount("tmpfs", directory, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
			return fmt.Errorf("mount %s: %w", directory, err)
		}
	}
	if err := os.Chmod("/dev/shm", 0o777|os.ModeSticky); err != nil {
		return err
	}
	for _, directory := range []string{"/run/lock", "/run/netns", temporaryDirectory()} {
		if err := os.MkdirAll(directory, 0o755); err != nil {
			return err
		}
	}
	if err := calmDown(); err != nil {
		return err
	}
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find lo: %w", err)
	}
	return netlink.LinkSetUp(loopback)
}

func temporaryDirectory() string { return filepath.Join(labDirectory, "tmp") }

func startInside() (int, error) {
	files := []uintptr{0, 1, 2}
	if os.Getenv(doorVariable) != "" {
		// The lifeline's place stays empty.
		files = append(files, ^uintptr(0), doorDescriptor)
	}
	environment := append(os.Environ(), stageVariable+"="+stageInside, "TMPDIR="+temporaryDirectory())
	child, err := syscall.ForkExec("/proc/self/exe", os.Args, &syscall.ProcAttr{Env: environment, Files: files})
	if err != nil {
		return 0, fmt.Errorf("start inside of the lab: %w", err)
	}
	return child, nil
}
