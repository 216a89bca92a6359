package lab

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"
)

// monitor speaks to qemu about the machine: its power, and what happens to it.
type monitor struct {
	connection net.Conn
	answers    chan monitorLine
	events     chan string
}

// monitorLine is one line of qemu's: a greeting, an answer or an event.
type monitorLine struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Description string `json:"desc"`
	} `json:"error"`
	Event string `json:"event"`
}

// Event of qemu's that the lab waits for.
const resetEvent = "RESET"

// monitorTimeout is far more than qemu takes to answer.
const monitorTimeout = 15 * time.Second

func newMonitor(connection net.Conn) (*monitor, error) {
	m := &monitor{connection: connection, answers: make(chan monitorLine, 1), events: make(chan string, 1024)}
	go m.listen()
	return m, m.call("qmp_capabilities")
}

func (m *monitor) listen() {
	defer close(m.answers)
	lines := bufio.NewScanner(m.connection)
	for lines.Scan() {
		var line monitorLine
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			return
		}
		switch {
		case line.Event != "":
			m.events <- line.Event
		case line.Return != nil || line.Error != nil:
			m.answers <- line
		}
	}
}

func (m *monitor) call(command string) error {
	if err := json.NewEncoder(m.connection).Encode(map[string]string{"execute": command}); err != nil {
		return err
	}
	select {
	case answer, open := <-m.answers:
		switch {
		case !open:
			return fmt.Errorf("%s: qemu has ended", command)
		case answer.Error != nil:
			return fmt.Errorf("%s: %s", command, answer.Error.Description)
		}
		return nil
	case <-time.After(monitorTimeout):
		return fmt.Errorf("%s: qemu does not answer", command)
	}
}

// forgetEvents makes awaitEvent wait for later ones only.
func (m *monitor) forgetEvents() {
	for {
		select {
		case <-m.events:
		default:
			return
		}
	}
}

func (m *monitor) awaitEvent(name string, timeout time.Duration) error {
	late := time.After(timeout)
	for {
		select {
		case event := <-m.events:
			if event == name {
				return nil
			}
		case <-late:
			return errors.New("the machine has seen no " + name + " in time")
		}
	}
}
