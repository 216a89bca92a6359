package forkserver

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"time"

	"github.com/go-logr/logr"
)

const (
	// answerWithin is how long the process may take to fork, which is
	// milliseconds. One that takes longer hangs.
	answerWithin = 2 * time.Second
	// loadWithin is how long it may take to load Ansible, on a busy machine.
	loadWithin = 30 * time.Second
	// patience is how long after its start a run waits for Ansible to be loaded,
	// which takes about as long as it would in the run itself.
	patience = 3 * time.Second
	// shortestRest and longestRest are between attempts after the second failure.
	shortestRest, longestRest = time.Second, 5 * time.Minute
)

// Bounds of what one process may do, in case it leaks: it is replaced after that.
const (
	defaultRuns   = 1000
	defaultMemory = 256 << 20 // bytes
)

// ErrUnavailable is returned by Start when nothing was started.
var ErrUnavailable = errors.New("no process that has Ansible loaded")

// Options of a Server.
type Options struct {
	// Folder is private, and holds the files of the process.
	Folder string
	// Dir is its working directory.
	Dir string
	// Env is what the environments of all runs have in common.
	Env []string
	// Log is told once why there is no process, and when there is one again.
	Log logr.Logger
	// MaxRuns and MaxMemory in bytes are what one process may do and use before it
	// is replaced. Zero is a default.
	MaxRuns, MaxMemory int
}

// Server starts programs by a process that has Ansible loaded.
type Server struct {
	options Options

	mutex    sync.Mutex
	current  *process
	all      map[*process]struct{} // those that did not end
	failures int                   // since a run ended as it should
	notUntil time.Time             // another process may be started
	told     string                // what the log was told last
	closed   bool
}

// New makes a Server, which starts its process when it is warmed or used.
func New(options Options) *Server {
	if options.MaxRuns == 0 {
		options.MaxRuns = defaultRuns
	}
	if options.MaxMemory == 0 {
		options.MaxMemory = defaultMemory
	}
	return &Server{options: options, all: map[*process]struct{}{}}
}

// Warm has Ansible loaded, so that the first run need not wait for that.
func (s *Server) Warm(ctx context.Context) error {
	p, err := s.get()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, loadWithin)
	defer cancel()
	err = p.awaitLoaded(ctx)
	if err != nil && p.useless() {
		s.failed(p, err)
	}
	return err
}

// Start runs a command, whose outputs are files, in a forked process. Where its
// error is ErrUnavailable nothing was started, nor will be.
func (s *Server) Start(ctx context.Context, command *exec.Cmd) (*Run, error) {
	p, err := s.taken(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	run, err := p.fork(command)
	if err != nil {
		s.failed(p, err)
		p.release()
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	run.server = s
	return run, nil
}

// taken is a process that counts one run more.
func (s *Server) taken(ctx context.Context) (*process, error) {
	for {
		p, err := s.get()
		if err != nil {
			return nil, err
		}
		if err := p.awaitSoonLoaded(ctx); err != nil {
			if p.useless() {
				s.failed(p, err)
			}
			return nil, err
		}
		if p.outdated() {
			p.retire()
			continue
		}
		if p.take(s.options.MaxRuns, s.options.MaxMemory) {
			return p, nil
		}
	}
}

// get is the process that takes runs. It starts one where there is none.
func (s *Server) get() (*process, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.current != nil && s.current.takesRuns() {
		return s.current, nil
	}
	if s.closed {
		return nil, errors.New("the operator ends")
	}
	if s.current != nil && s.current.unused() {
		s.count(fmt.Errorf("it ended before any run: %s", s.current.complaint()))
	}
	s.current = nil
	if wait := time.Until(s.notUntil); wait > 0 {
		return nil, fmt.Errorf("the next attempt to load Ansible is in %s", wait.Round(time.Second))
	}
	p, err := launch(s.options)
	if err != nil {
		s.count(err)
		return nil, err
	}
	s.current = p
	s.all[p] = struct{}{}
	go s.forget(p)
	return p, nil
}

func (s *Server) forget(p *process) {
	<-p.ended
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.all, p)
}

// failed has no more runs begin in the process.
func (s *Server) failed(p *process, err error) {
	if !p.retire() {
		return // that was counted
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.count(err)
}

// count counts a failure. After the first one, the next run may try again: it
// was perhaps only killed.
func (s *Server) count(err error) {
	s.failures++
	if s.failures > 1 {
		rest := min(longestRest, shortestRest<<min(s.failures-2, 30))
		s.notUntil = time.Now().Add(rest)
	}
	if s.told != err.Error() {
		s.told = err.Error()
		s.options.Log.Info("runs of ansible-playbook load Ansible themselves, which takes longer", "reason", err.Error())
	}
}

// worked notes that a run ended as it should.
func (s *Server) worked() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.told != "" {
		s.told = ""
		s.options.Log.Info("Ansible is kept loaded again")
	}
	s.failures, s.notUntil = 0, time.Time{}
}

// Close ends the processes and their runs, and waits for that.
func (s *Server) Close() {
	s.mutex.Lock()
	s.closed = true
	var all []*process
	for p := range s.all {
		all = append(all, p)
	}
	s.mutex.Unlock()
	for _, p := range all {
		p.kill()
		<-p.ended
	}
}
