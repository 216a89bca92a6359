package control

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// wire is what an operator says to the API server. It can lose writes.
type wire struct {
	mutex     sync.Mutex
	written   []string
	forbidden []string
	leases    int
	losing    string
	// meeting happens before the next write to a path that contains awaited.
	awaited string
	meeting func()
	// delayed is what is watched with a delay.
	delayed string
	delay   time.Duration
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func (w *wire) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		line := request.Method + " " + request.URL.Path
		w.meets(line)
		if w.loses(line) {
			return &http.Response{
				StatusCode: http.StatusServiceUnavailable, Request: request,
				Header: http.Header{}, Body: io.NopCloser(strings.NewReader("lost by the test")),
			}, nil
		}
		response, err := next.RoundTrip(request)
		w.note(line, response)
		if err == nil && w.delays(request) {
			response.Body = &slowBody{ReadCloser: response.Body, delay: w.delay}
		}
		return response, err
	})
}

func (w *wire) loses(line string) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.losing == "" || !isWrite(line) || !strings.Contains(line, w.losing) {
		return false
	}
	w.losing = ""
	return true
}

func (w *wire) delays(request *http.Request) bool {
	return w.delayed != "" && strings.HasSuffix(request.URL.Path, w.delayed) && request.URL.Query().Has("watch")
}

// slowBody is read later than it came.
type slowBody struct {
	io.ReadCloser
	delay time.Duration
}

func (b *slowBody) Read(to []byte) (int, error) {
	count, err := b.ReadCloser.Read(to)
	time.Sleep(b.delay)
	return count, err
}

func (w *wire) meets(line string) {
	w.mutex.Lock()
	if w.meeting == nil || !isWrite(line) || !strings.Contains(line, w.awaited) {
		w.mutex.Unlock()
		return
	}
	happens := w.meeting
	w.meeting = nil
	w.mutex.Unlock()
	happens()
}

func (w *wire) note(line string, response *http.Response) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	switch {
	case strings.Contains(line, "/leases"): // asked for and written all the time
		w.leases++
	case isWrite(line):
		w.written = append(w.written, line)
	}
	if response != nil && response.StatusCode == http.StatusForbidden {
		w.forbidden = append(w.forbidden, line)
	}
}

func isWrite(line string) bool { return !strings.HasPrefix(line, http.MethodGet+" ") }

// lose makes the next write to a path that contains part fail.
func (w *wire) lose(part string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.losing = part
}

// meet has something happen before the next write to a path that contains part.
func (w *wire) meet(part string, happens func()) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.awaited, w.meeting = part, happens
}

// lost reports whether that write was asked for.
func (w *wire) lost() bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.losing == ""
}

// writes are the requests so far that could change something.
func (w *wire) writes() []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.Clone(w.written)
}

// leaseRequests is how often leader election asked or wrote.
func (w *wire) leaseRequests() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.leases
}

func (w *wire) denied() []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.Clone(w.forbidden)
}
