package lab

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// guestAgent speaks to the qemu guest agent in a machine: a way in beside SSH
// that no ruleset can close.
type guestAgent struct {
	mutex      sync.Mutex
	connection net.Conn
	lines      *bufio.Reader
	syncs      int
}

func newGuestAgent(connection net.Conn) *guestAgent {
	return &guestAgent{connection: connection, lines: bufio.NewReader(connection)}
}

// agentAnswer is one line of the agent.
type agentAnswer struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Description string `json:"desc"`
	} `json:"error"`
}

// agentTimeout is for one answer of an agent that runs.
const agentTimeout = 30 * time.Second

// awaitRunning waits until the agent answers. What it said before the machine
// was reset is skipped.
func (a *guestAgent) awaitRunning(timeout time.Duration) error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.syncs++
	if err := a.send("guest-sync", map[string]any{"id": a.syncs}, timeout); err != nil {
		return err
	}
	for {
		answer, err := a.receive()
		var id int
		switch {
		case err != nil:
			return fmt.Errorf("the machine's agent does not answer: %w", err)
		case json.Unmarshal(answer.Return, &id) == nil && id == a.syncs:
			return nil
		}
	}
}

// call asks the agent and decodes what it returns.
func (a *guestAgent) call(command string, arguments, result any) error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if err := a.send(command, arguments, agentTimeout); err != nil {
		return err
	}
	answer, err := a.receive()
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	if answer.Error != nil {
		return fmt.Errorf("%s: %s", command, answer.Error.Description)
	}
	return json.Unmarshal(answer.Return, result)
}

func (a *guestAgent) send(command string, arguments any, timeout time.Duration) error {
	if err := a.connection.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	return json.NewEncoder(a.connection).Encode(map[string]any{"execute": command, "arguments": arguments})
}

func (a *guestAgent) receive() (answer agentAnswer, err error) {
	line, err := a.lines.ReadBytes('\n')
	if err != nil {
		return answer, err
	}
	return answer, json.Unmarshal(line, &answer)
}

// commandStatus is the answer of guest-exec-status.
type commandStatus struct {
	Exited bool   `json:"exited"`
	Code   int    `json:"exitcode"`
	Signal int    `json:"signal"`
	Output []byte `json:"out-data"`
	Errors []byte `json:"err-data"`
}

// execute runs a command as root to its end. It returns what the command wrote
// to its standard output; what it wrote to the other is in the error.
func (a *guestAgent) execute(input io.Reader, command ...string) ([]byte, error) {
	pid, err := a.start(input, command...)
	if err != nil {
		return nil, err
	}
	status, err := a.awaitExit(pid)
	switch {
	case err != nil:
	case status.Signal != 0:
		err = fmt.Errorf("signal %d", status.Signal)
	case status.Code != 0:
		err = fmt.Errorf("exit code %d", status.Code)
	}
	if err != nil {
		return status.Output, fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err,
			bytes.TrimSpace(append(status.Output, status.Errors...)))
	}
	return status.Output, nil
}

// start begins a command as root, which may end the machine and the agent in it.
func (a *guestAgent) start(input io.Reader, command ...string) (pid int, err error) {
	arguments := map[string]any{"path": command[0], "arg": command[1:], "capture-output": true}
	if input != nil {
		content, err := io.ReadAll(input)
		if err != nil {
			return 0, err
		}
		arguments["input-data"] = content // bytes become base64, which the agent wants
	}
	var started struct {
		PID int `json:"pid"`
	}
	err = a.call("guest-exec", arguments, &started)
	return started.PID, err
}

// awaitExit waits for a command to end. It asks less and less often: each
// answer costs an emulated processor milliseconds.
func (a *guestAgent) awaitExit(pid int) (status commandStatus, err error) {
	deadline := time.Now().Add(execTimeout)
	for pause := pollInterval; ; pause = min(2*pause, 160*time.Millisecond) {
		if err := a.call("guest-exec-status", map[string]any{"pid": pid}, &status); err != nil || status.Exited {
			return status, err
		}
		if time.Now().After(deadline) {
			return status, fmt.Errorf("it still runs after %s", execTimeout)
		}
		time.Sleep(pause)
	}
}
