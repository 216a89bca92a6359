package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Box is a Linux host with a network namespace, processes and files of its own,
// and an sshd. Its files begin as the machine's, less what is not a host's own:
// see overlay.go.
type Box struct {
	*Namespace
	// Cluster are its addresses on the cluster side; sshd answers there.
	Cluster Addresses

	port    string // its end of the cable to the cluster side, in the lab
	key     Key    // logs in to it
	hostKey Key
	binds   binds     // what it sees of the machine, besides
	process *exec.Cmd // its pid 1
	ended   chan struct{}
}

// boxVariable tells the box's pid 1 which directory holds its file systems.
const boxVariable = "NFT_OPERATOR_LAB_BOX"

// readyDescriptor is where the box's pid 1 writes when it is furnished, or why not.
const readyDescriptor = 3

// execTimeout is far more than any command in a box should take.
const execTimeout = time.Minute

// NewBox makes a host on the cluster side that is no gateway, for example a
// jump host.
func (t *Topology) NewBox(name string) (*Box, error) {
	namespace, err := NewNamespace(name)
	if err != nil {
		return nil, err
	}
	return t.startBox(namespace, "eth0", numbered(ClusterNetworks, firstBox+len(t.boxes)))
}

// startBox connects a namespace to the cluster side and boots a host in it.
func (t *Topology) startBox(namespace *Namespace, link string, addresses []netip.Prefix) (*Box, error) {
	if err := plug(t.cluster, namespace, link, addresses...); err != nil {
		return nil, err
	}
	box := &Box{
		Namespace: namespace,
		Cluster:   addressesOf(addresses),
		port:      portName(namespace, link),
		key:       t.Key,
	}
	t.boxes = append(t.boxes, box)
	if err := box.boot(); err != nil {
		return nil, fmt.Errorf("boot %s: %w", box.Name, err)
	}
	if err := box.NewHostKeys(); err != nil {
		return nil, fmt.Errorf("boot %s: %w", box.Name, err)
	}
	return box, nil
}

// boot starts the box's pid 1 and waits until its files can be used.
func (b *Box) boot() error {
	directory := filepath.Join(labDirectory, "boxes", b.Name)
	if err := prepareFiles(directory, b); err != nil {
		return err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = read.Close() }()
	b.process = exec.Command("/proc/self/exe")
	b.process.Args = []string{b.Name + "-init"}
	b.process.Env = []string{stageVariable + "=" + stageBox, boxVariable + "=" + directory, bindsVariable + "=" + b.binds.String()}
	b.process.ExtraFiles = []*os.File{write}
	b.process.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
	}
	err = b.Do(b.process.Start)
	_ = write.Close()
	if err != nil {
		return err
	}
	b.ended = make(chan struct{})
	go func() {
		_ = b.process.Wait()
		close(b.ended)
	}()
	answer, err := io.ReadAll(read)
	if err != nil {
		return err
	}
	if string(answer) != "ready" {
		return errors.New(string(answer))
	}
	return nil
}

// Close ends every process of the box and takes its namespace and files away,
// as [Topology.Close] does for all boxes.
func (b *Box) Close() error {
	if err := b.process.Process.Kill(); err != nil {
		return fmt.Errorf("end %s: %w", b.Name, err)
	}
	<-b.ended
	if err := b.Namespace.Close(); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(labDirectory, "boxes", b.Name))
}

// Command is a command that runs as root in the box, with the box's files,
// processes and network.
func (b *Box) Command(name string, arguments ...string) *exec.Cmd {
	return b.command(context.Background(), append([]string{name}, arguments...))
}

func (b *Box) command(ctx context.Context, command []string) *exec.Cmd {
	enter := []string{
		"--target", strconv.Itoa(b.process.Process.Pid),
		"--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--",
	}
	cmd := exec.CommandContext(ctx, "nsenter", append(enter, command...)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"}
	return cmd
}

// Exec runs a command as root in the box and returns what it printed, also when
// it fails.
func (b *Box) Exec(command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), execTimeout)
	defer cancel()
	output, err := b.command(ctx, command).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s on %s: %w: %s", strings.Join(command, " "), b.Name, err, bytes.TrimSpace(output))
	}
	return string(output), err
}

// Nft loads a script into the box's kernel, in one transaction.
func (b *Box) Nft(script string) error { return runNft(b.Command("nft", "-f", "-"), script) }

// ReadFile reads a file of the box.
func (b *Box) ReadFile(path string) (content []byte, err error) {
	err = b.inRoot(func(root *os.Root) error {
		content, err = root.ReadFile(relative(path))
		return err
	})
	return content, err
}

// ReadDir lists the names in a directory of the box.
func (b *Box) ReadDir(path string) (names []string, err error) {
	err = b.inRoot(func(root *os.Root) error {
		directory, err := root.Open(relative(path))
		if err != nil {
			return err
		}
		defer func() { _ = directory.Close() }()
		names, err = directory.Readdirnames(-1)
		return err
	})
	return names, err
}

// ReplaceFile writes a file of the box, with its directories where they are
// missing.
func (b *Box) ReplaceFile(path string, content []byte, mode fs.FileMode) error {
	return b.inRoot(func(root *os.Root) error {
		if err := root.MkdirAll(filepath.Dir(relative(path)), 0o755); err != nil {
			return err
		}
		// A file that cannot be written to can still be replaced.
		if err := root.RemoveAll(relative(path)); err != nil {
			return err
		}
		if err := root.WriteFile(relative(path), content, mode); err != nil {
			return err
		}
		return root.Chmod(relative(path), mode)
	})
}

// Remove takes a file or directory of the box away; a missing one is no error.
func (b *Box) Remove(path string) error {
	return b.inRoot(func(root *os.Root) error { return root.RemoveAll(relative(path)) })
}

// inRoot gives access to the box's files and to nothing else: a symbolic link
// cannot lead out.
func (b *Box) inRoot(f func(*os.Root) error) error {
	root, err := os.OpenRoot(fmt.Sprintf("/proc/%d/root", b.process.Process.Pid))
	if err != nil {
		return fmt.Errorf("open the files of %s: %w", b.Name, err)
	}
	defer func() { _ = root.Close() }()
	if err := f(root); err != nil {
		return fmt.Errorf("files of %s: %w", b.Name, err)
	}
	return nil
}

func relative(path string) string { return strings.TrimPrefix(filepath.Clean(path), "/") }
