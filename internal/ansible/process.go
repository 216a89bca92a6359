package ansible

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
	"time"

	goansible "github.com/apenella/go-ansible/v2/pkg/execute/exec"
)

// terminationGrace is how long Ansible may take to end after SIGTERM.
const terminationGrace = 3 * time.Second

// processGroup makes go-ansible start its command as the leader of a process
// group with exactly the given environment, and end the whole group when the
// context ends: go-ansible itself would signal only ansible-playbook, and
// leave its workers and their ssh running.
type processGroup struct {
	dir     string
	env     []string
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
	g.command = &groupCommand{Cmd: cmd}
	return g.command
}

// groupCommand is a command whose end go-ansible learns nothing of: it would
// copy the environment into its error. finish tells the truth to us instead.
type groupCommand struct {
	*exec.Cmd
	waited bool
	err    error
}

// Wait is called by go-ansible, or by finish where go-ansible gave up early.
func (c *groupCommand) Wait() error {
	if !c.waited {
		c.waited = true
		c.err = c.Cmd.Wait()
	}
	return nil
}

// finish ends what is left of the group and returns how the command ended.
func (g *processGroup) finish() error {
	if g.command == nil || g.command.Process == nil {
		return errors.New("ansible-playbook did not start")
	}
	// The leader may be gone, its workers not: a group lives as long as one member.
	_ = syscall.Kill(-g.command.Process.Pid, syscall.SIGKILL)
	_ = g.command.Wait()
	return g.command.err
}
