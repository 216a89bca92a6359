package forkserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// errLost is returned by Wait when it cannot be told how a run ended.
var errLost = errors.New("the process that forked it ended or hangs")

// Run is one forked ansible-playbook, the leader of a process group.
type Run struct {
	server  *Server
	process *process
	control *net.UnixConn
	pid     int

	// done is closed when the run has ended.
	done  chan struct{}
	mutex sync.Mutex // held while it is closed, or something sent to the process
}

// request is what the process is asked to run.
type request struct {
	Args []string `json:"args"`
	Env  []string `json:"env"`
	Dir  string   `json:"dir"`
}

// fork has the process fork for the command. Where that fails, nothing was
// started and nothing will be.
func (p *process) fork(command *exec.Cmd) (*Run, error) {
	message, err := json.Marshal(request{Args: command.Args, Env: command.Env, Dir: command.Dir})
	if err != nil {
		return nil, err
	}
	output, isFile := command.Stdout.(*os.File)
	errorOutput, isFileToo := command.Stderr.(*os.File)
	if !isFile || !isFileToo {
		return nil, errors.New("the output is not a file")
	}
	control, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer func() { _ = theirs.Close() }()
	run := &Run{process: p, control: control, done: make(chan struct{})}
	if err := run.begin(message, theirs, unix.UnixRights(int(output.Fd()), int(errorOutput.Fd()))); err != nil {
		_ = control.Close() // the forked process, if there is one, ends without having run
		return nil, err
	}
	go run.endWithProcess()
	return run, nil
}

// begin asks for the fork, learns the process ID, and lets it go.
func (r *Run) begin(message []byte, theirs *os.File, outputs []byte) error {
	deadline := time.Now().Add(answerWithin)
	if err := r.process.requests.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if err := r.control.SetDeadline(deadline); err != nil {
		return err
	}
	if _, _, err := r.process.requests.WriteMsgUnix(message, unix.UnixRights(int(theirs.Fd())), nil); err != nil {
		return fmt.Errorf("ask for a run: %w", err)
	}
	if err := theirs.Close(); err != nil { // so that the end of the process is an end of the connection
		return err
	}
	answer, err := r.read()
	if err != nil {
		return fmt.Errorf("no process for a run: %w", err)
	}
	if r.pid = answer; r.pid <= 1 {
		return fmt.Errorf("no process has the ID %d", r.pid)
	}
	_, _, err = r.control.WriteMsgUnix([]byte("go"), outputs, nil)
	return err
}

// endWithProcess ends the run when the process that forked it ends: nobody would
// tell how the run ended.
func (r *Run) endWithProcess() {
	select {
	case <-r.process.ended:
		r.Signal(syscall.SIGKILL)
	case <-r.done:
	}
}

// read a number.
func (r *Run) read() (int, error) {
	text := make([]byte, 32)
	count, err := r.control.Read(text)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(text[:count]))
}

// Signal sends a signal to each process of the group, until it was waited for:
// its number may be another's then.
func (r *Run) Signal(signal syscall.Signal) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if !isClosed(r.done) {
		_ = syscall.Kill(-r.pid, signal)
	}
}

// Wait waits for the end of the run, ends the processes that it left, and returns
// how it ended. It is called once.
func (r *Run) Wait() error {
	status, err := r.status()
	if err != nil { // else the process that forked it ended the group
		r.Signal(syscall.SIGKILL)
		r.server.failed(r.process, err)
	} else {
		r.server.worked()
	}
	r.mutex.Lock()
	close(r.done)
	r.mutex.Unlock()
	_ = r.control.Close()
	r.process.release()
	switch {
	case err != nil:
		return err
	case status.Signaled():
		return fmt.Errorf("signal: %s", status.Signal())
	case status.ExitStatus() != 0:
		return fmt.Errorf("exit status %d", status.ExitStatus())
	}
	return nil
}

// status waits until it is told, or until nobody will tell it any more.
func (r *Run) status() (syscall.WaitStatus, error) {
	for {
		if err := r.control.SetReadDeadline(time.Now().Add(answerWithin)); err != nil {
			return 0, err
		}
		over := r.over()
		status, err := r.read()
		switch {
		case err == nil:
			return syscall.WaitStatus(status), nil
		case !errors.Is(err, os.ErrDeadlineExceeded), over:
			return 0, errLost
		}
	}
}

// over reports whether the leader has ended, whether or not anybody waited for it.
func (r *Run) over() bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(r.pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}
