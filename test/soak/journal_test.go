package soak

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// journal knows which change is under way, and collects what was seen and
// should not have been.
type journal struct {
	seed uint64

	mutex      sync.Mutex
	number     int
	change     string
	since      time.Time
	complaints []string
}

// mostComplaints are written down: what follows the first few is seldom news.
const mostComplaints = 20

func newJournal(seed uint64) *journal {
	return &journal{seed: seed, change: "before the first change", since: time.Now()}
}

// begin notes a change, as the next thing to be blamed.
func (j *journal) begin(format string, arguments ...any) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.number++
	j.change, j.since = fmt.Sprintf(format, arguments...), time.Now()
}

// changes is how many there were.
func (j *journal) changes() int {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.number
}

// complain writes down what was seen, with the change under way.
func (j *journal) complain(format string, arguments ...any) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.complaints = append(j.complaints, fmt.Sprintf("%s, %s into change %d (%s): %s", time.Now().Format("15:04:05.000"),
		time.Since(j.since).Round(time.Millisecond), j.number, j.change, fmt.Sprintf(format, arguments...)))
}

// all are the complaints so far.
func (j *journal) all() []string {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return append([]string{}, j.complaints...)
}

// report fails the test if there are complaints.
func (j *journal) report(t *testing.T) {
	t.Helper()
	complaints := j.all()
	for _, complaint := range complaints[:min(len(complaints), mostComplaints)] {
		t.Error(complaint)
	}
	if len(complaints) > 0 {
		t.Errorf("%d complaints; run it again with -seed %d", len(complaints), j.seed)
	}
}
