package ansible

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// WorkDir is the operator's private folder: runs/ has one folder a run,
// control/ the sockets of kept SSH connections, server/ the files of the process
// that has Ansible loaded.
type WorkDir struct {
	root    string
	lock    *os.File // held while the process lives
	account []string // environment in which ssh knows its user
}

// DefaultWorkDir is under /run, which is memory-backed, where that is there
// and writable, else under the system's folder for temporary files.
func DefaultWorkDir() string {
	const preferred = "/run/nft-operator"
	if err := os.MkdirAll(preferred, 0o700); err == nil {
		return preferred
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("nft-operator-%d", os.Getuid()))
}

// OpenWorkDir makes the folder private to this user and removes the runs that
// a killed operator left behind, keys and all.
func OpenWorkDir(root string) (WorkDir, error) {
	dir := WorkDir{root: root}
	if len(root) > longestRoot {
		return dir, fmt.Errorf("the path of %s is too long for ssh's sockets in it; choose a folder of at most %d bytes with --work-dir", root, longestRoot)
	}
	if err := makePrivate(root); err != nil {
		return dir, err
	}
	if err := dir.takeLock(); err != nil {
		return dir, err
	}
	for _, left := range []string{dir.runs(), dir.server()} {
		if err := os.RemoveAll(left); err != nil {
			return dir, err
		}
	}
	for _, path := range []string{dir.runs(), dir.controls()} {
		if err := makePrivate(path); err != nil {
			return dir, err
		}
	}
	var err error
	dir.account, err = findAccount(root)
	return dir, err
}

// longestRoot leaves room for the longest name of a socket while ssh makes it:
// a fingerprint, what Ansible calls a host, ssh's random suffix. The kernel
// takes 107 bytes (unix(7)).
const longestRoot = 107 - len("/control/0123456789ab/0123456789.0123456789abcdef")

// takeLock keeps a second operator from removing the runs of a living one.
func (d *WorkDir) takeLock() error {
	file, err := os.OpenFile(filepath.Join(d.root, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return fmt.Errorf("another operator works in %s; choose another folder with --work-dir", d.root)
	}
	d.lock = file
	return nil
}

// CloseConnections ends the SSH connections that are kept for the next run.
func (d WorkDir) CloseConnections() {
	sockets, _ := filepath.Glob(filepath.Join(d.controls(), "*", "*"))
	for _, socket := range sockets {
		// The host's name only fills a place: the socket says which connection it is.
		command := exec.Command("ssh", "-F", "none", "-o", "ControlPath="+configQuote(socket), "-O", "exit", "kept")
		command.Env = append(os.Environ(), d.account...)
		_ = command.Run()
	}
}

// Close lets another operator work in the folder.
func (d WorkDir) Close() error { return d.lock.Close() }

// makePrivate makes a folder that only this user may enter. A folder of
// somebody else under a guessable name is an error, not something to use.
func makePrivate(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder; remove it or choose another with --work-dir", path)
	}
	if err := os.Chmod(path, 0o700); err != nil {
		return fmt.Errorf("%s belongs to somebody else; choose another folder with --work-dir: %w", path, err)
	}
	return nil
}

func (d WorkDir) runs() string     { return filepath.Join(d.root, "runs") }
func (d WorkDir) controls() string { return filepath.Join(d.root, "control") }
func (d WorkDir) server() string   { return filepath.Join(d.root, "server") }

// newRun makes the folder of one run; the caller removes it.
func (d WorkDir) newRun() (string, error) {
	return os.MkdirTemp(d.runs(), "run-")
}

// control makes the folder for connection sockets of one way in.
func (d WorkDir) control(access Access) (string, error) {
	path := filepath.Join(d.controls(), access.fingerprint())
	return path, os.MkdirAll(path, 0o700)
}
