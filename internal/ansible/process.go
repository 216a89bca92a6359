package ansible

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	goansible "github.com/apenella/go-ansible/v2/pkg/execute/exec"

	"github.com/nft-operator/nft-operator/internal/ansible/forkserver"
)

// terminationGrace is how long Ansible may take to end after SIGTERM.
const terminationGrace = 3 * time.Second

// processGroup makes go-ansible start its command as the leader of a process
// group with exactly the given environment, and end the whole group when the
// context ends: go-ansible itself would signal only ansible-playbook, and
// leave its workers and their ssh running.
type processGroup struct {
	dir string
	env []string
	// server has Ansible loaded already; nil where the command is to load it.
	server  *forkserver.Server
	command *groupCommand
}

// Command is part of go-ansible's Executabler.
func (g *processGroup) Command(name string, args ...string) goansible.Cmder {
	return g.CommandContext(context.Background(), name, args...)
}

// CommandContext is part of go-ansible's Executabler.
func (g *processGroup) CommandContext(ctx context.Context, name string, args ...string) goansible.Cmder {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = g.dir
	cmd.Env = g.env
	// A killed operator must not leave a writer behind. The signal follows the
	// thread that starts the command: see PlaybookRunner.execute.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = terminationGrace
	g.command = &groupCommand{Cmd: cmd, ctx: ctx, server: g.server}
	return g.command
}

// groupCommand is a command whose end go-ansible learns nothing of: it would
// copy the environment into its error. finish tells the truth to us instead.
type groupCommand struct {
	*exec.Cmd
	ctx    context.Context
	server *forkserver.Server
	// forked is the command where it was forked rather than started.
	forked *forkserver.Run
	waited bool
	err    error
}

// Start is called by go-ansible. The command is started as it is where there is
// nothing to fork.
func (c *groupCommand) Start() error {
	if c.server == nil {
		return c.Cmd.Start()
	}
	forked, err := c.server.Start(c.ctx, c.Cmd)
	if errors.Is(err, forkserver.ErrUnavailable) {
		return c.Cmd.Start()
	}
	if err != nil {
		return err
	}
	c.forked = forked
	for _, output := range []io.Writer{c.Stdout, c.Stderr} { // the run has its own
		if file, isFile := output.(*os.File); isFile {
			_ = file.Close()
		}
	}
	context.AfterFunc(c.ctx, func() {
		forked.Signal(syscall.SIGTERM)
		time.AfterFunc(terminationGrace, func() { forked.Signal(syscall.SIGKILL) })
	})
	return nil
}

// Wait is called by go-ansible, or by finish where go-ansible gave up early.
func (c *groupCommand) Wait() error {
	if c.waited {
		return nil
	}
	c.waited = true
	if c.forked != nil {
		c.err = c.forked.Wait()
	} else {
		c.err = c.Cmd.Wait()
	}
	return nil
}

// started reports whether there is a group, in one way or the other.
func (c *groupCommand) started() bool { return c.Process != nil || c.forked != nil }

// end ends what is left of the group.
func (c *groupCommand) end() {
	if c.forked != nil {
		c.forked.Signal(syscall.SIGKILL)
		return
	}
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
}

// finish ends what is left of the group and returns how the command ended.
func (g *processGroup) finish() error {
	if g.command == nil || !g.command.started() {
		return errors.New("ansible-playbook did not start")
	}
	// The leader may be gone, its workers not: a group lives as long as one member.
	g.command.end()
	_ = g.command.Wait()
	return g.command.err
}
