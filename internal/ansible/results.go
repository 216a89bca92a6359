package ansible

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// lateResults is how long the last results may take after the run has ended.
const lateResults = 2 * time.Second

// results are what the hosts of a run report, as they do. The callback plugin
// nft_result writes them to a named pipe.
type results struct {
	reader *os.File
	// writer keeps the pipe from ending while nobody writes.
	writer  *os.File
	reports map[string]Report
	err     error
	done    chan struct{}
}

// followResults makes the pipe and reads it, until end. told may be nil.
func followResults(path string, began phases, told func(string, Report)) (*results, error) {
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		return nil, &os.PathError{Op: "mkfifo", Path: path, Err: err}
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	writer, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	r := &results{reader: reader, writer: writer, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.reports, r.err = decodeReports(reader, began, told)
		_, _ = io.Copy(io.Discard, reader) // whoever writes must not wait for us
	}()
	return r, nil
}

// end returns all that was reported, and an error where something of it could
// not be understood.
func (r *results) end() (map[string]Report, error) {
	_ = r.writer.Close()
	_ = r.reader.SetReadDeadline(time.Now().Add(lateResults)) // where a stray process has it open
	<-r.done
	_ = r.reader.Close()
	return r.reports, r.err
}

// decodeReports reads results to their end. A run that was killed may leave
// half a line. What a host answered that cannot be understood is a report on that
// host: what the others answered is as true as ever.
func decodeReports(lines io.Reader, began phases, told func(string, Report)) (map[string]Report, error) {
	reports := map[string]Report{}
	reader := bufio.NewReader(lines)
	var malformed error
	for {
		text, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
			return reports, malformed
		}
		if err != nil {
			return reports, errors.Join(malformed, err)
		}
		var line resultLine
		if err := json.Unmarshal(text, &line); err != nil {
			malformed = cmp.Or(malformed, fmt.Errorf("malformed result line: %w", err))
			continue
		}
		report, err := decodeReport(line, began)
		if err != nil {
			report = Report{Reason: ReasonRunnerFailed, Message: fmt.Sprintf("the host's answer is not one of this release's role, and cannot be understood; see that nobody replaced /usr/bin/python3 there: %s", err)}
		}
		reports[line.Host] = report
		if told != nil {
			told(line.Host, report)
		}
	}
}
