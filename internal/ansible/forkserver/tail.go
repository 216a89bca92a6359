package forkserver

import (
	"bytes"
	"sync"
)

// lockedTail keeps the end of what the process prints.
type lockedTail struct {
	mutex sync.Mutex
	text  []byte
}

// Write is io.Writer.
func (t *lockedTail) Write(p []byte) (int, error) {
	const limit = 4096
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.text = append(t.text, p...)
	if extra := len(t.text) - limit; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(p), nil
}

func (t *lockedTail) lastLine() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	lines := bytes.Split(bytes.TrimSpace(t.text), []byte("\n"))
	return string(bytes.TrimSpace(lines[len(lines)-1]))
}
