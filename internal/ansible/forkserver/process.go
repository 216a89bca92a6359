package forkserver

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/go-logr/logr"
)

//go:embed forkserver.py
var source []byte

const sourceFile = "forkserver.py"

// longestAnswer is more than what a process tells of itself takes.
const longestAnswer = 128 << 10

// process is one Python process that has Ansible loaded, or is loading it.
type process struct {
	folder   string
	command  *exec.Cmd
	output   lockedTail
	requests *net.UnixConn
	began    time.Time
	// loaded is closed when Ansible is loaded, ended when the process has ended.
	loaded, ended chan struct{}
	// told is there when Ansible is loaded.
	told told

	mutex sync.Mutex
	// begun counts all runs, running those that did not end.
	begun, running int
	// retired is set when no run may begin any more.
	retired bool
}

// told is what a process tells of itself.
type told struct {
	// Files are those that it is made of and that may change, with the time of
	// their last change, in nanoseconds since 1970.
	Files map[string]int64 `json:"files"`
	// Skipped says what each run has to do itself.
	Skipped []string `json:"skipped"`
}

// launch starts a process whose files lie in a folder of its own.
func launch(options Options) (*process, error) {
	command, err := interpreter("ansible-playbook")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(options.Folder, 0o700); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(options.Folder, "ansible-")
	if err != nil {
		return nil, err
	}
	p := &process{folder: folder, began: time.Now(), loaded: make(chan struct{}), ended: make(chan struct{})}
	if err := p.start(command, options); err != nil {
		_ = os.RemoveAll(folder)
		return nil, err
	}
	return p, nil
}

func (p *process) start(command []string, options Options) error {
	script := filepath.Join(p.folder, sourceFile)
	if err := os.WriteFile(script, source, 0o600); err != nil {
		return err
	}
	requests, theirs, err := socketPair()
	if err != nil {
		return err
	}
	defer func() { _ = theirs.Close() }()
	p.requests = requests
	p.command = exec.Command(command[0], append(command[1:], script)...)
	p.command.Dir = options.Dir
	p.command.Env = append(slices.Clone(options.Env), "HOME="+p.folder, "TMPDIR="+p.folder, "ANSIBLE_LOCAL_TEMP="+filepath.Join(p.folder, "tmp"))
	p.command.Stdout, p.command.Stderr = &p.output, &p.output
	p.command.ExtraFiles = []*os.File{theirs}
	p.command.WaitDelay = answerWithin
	p.command.SysProcAttr = &syscall.SysProcAttr{
		Setpgid: true,
		// When the operator is gone, the closed socket ends the process and its
		// runs. One that is stopped has to go on to see that.
		Pdeathsig: syscall.SIGCONT,
	}
	started := make(chan error)
	go p.await(started)
	if err := <-started; err != nil {
		_ = requests.Close()
		return err
	}
	go p.hear(options.Log)
	return nil
}

// await starts the process and waits for its end, in one thread for all of
// that: the kernel takes the end of the thread that started a process for the
// end of its parent.
func (p *process) await(started chan<- error) {
	runtime.LockOSThread()
	err := p.command.Start()
	started <- err
	if err != nil {
		return
	}
	_ = p.command.Wait()
	_ = p.requests.Close()
	_ = os.RemoveAll(p.folder)
	close(p.ended)
}

// hear is told by the process that it has Ansible loaded.
func (p *process) hear(log logr.Logger) {
	answer := make([]byte, longestAnswer)
	count, err := p.requests.Read(answer)
	if err != nil {
		return
	}
	if err := json.Unmarshal(answer[:count], &p.told); err != nil {
		_, _ = fmt.Fprintf(&p.output, "what it loaded: %v\n", err)
		p.kill()
		return
	}
	for _, step := range p.told.Skipped {
		log.Info("each run does what could not be done beforehand", "reason", step)
	}
	close(p.loaded)
}

// awaitSoonLoaded waits for Ansible as long as a run should.
func (p *process) awaitSoonLoaded(ctx context.Context) error {
	ctx, cancel := context.WithDeadline(ctx, p.began.Add(patience))
	defer cancel()
	return p.awaitLoaded(ctx)
}

func (p *process) awaitLoaded(ctx context.Context) error {
	if isClosed(p.loaded) { // whatever else is true
		return nil
	}
	select {
	case <-p.loaded:
		return nil
	case <-p.ended:
		return fmt.Errorf("it ended while it loaded Ansible: %s", p.complaint())
	case <-ctx.Done():
		return errors.New("it still loads Ansible")
	}
}

// kill ends the process, and thereby its runs.
func (p *process) kill() { _ = p.command.Process.Kill() }

// complaint is the last that the process printed, or how it ended.
func (p *process) complaint() string {
	if line := p.output.lastLine(); line != "" {
		return line
	}
	return p.command.ProcessState.String()
}
