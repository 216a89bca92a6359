package ansible

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/apenella/go-ansible/v2/pkg/execute/result"
)

// errOutputHeld is returned when a process of the run keeps its output open
// after the run was told to end.
var errOutputHeld = errors.New("output is still held open")

// copyOutput hands Ansible's output on as it is. It stops waiting for the end
// of it some time after the run was told to end, where a stray process holds it.
type copyOutput struct{}

// Print is part of go-ansible's ResultsOutputer.
func (copyOutput) Print(ctx context.Context, reader io.Reader, writer io.Writer, _ ...result.OptionsFunc) error {
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(writer, reader)
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(2 * terminationGrace):
		return errOutputHeld
	}
}

// tail keeps the end of Ansible's output, for error messages.
type tail struct {
	limit int
	text  []byte
}

// Write is io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if extra := len(t.text) - t.limit; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(p), nil
}

// lastLine of the output that is not blank.
func (t *tail) lastLine() string {
	lines := strings.Split(strings.TrimSpace(string(t.text)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
