package ansible

import (
	"bufio"
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
// half a line.
func decodeReports(lines io.Reader, began phases, told func(string, Report)) (map[string]Report, error) {
	reports := map[string]Report{}
	decoder := json.NewDecoder(bufio.NewReader(lines))
	for {
		var line resultLine
		err := decoder.Decode(&line)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded) {
			return reports, nil
		}
		if err != nil {
			return reports, fmt.Errorf("malformed result line: %w", err)
		}
		report, err := decodeReport(line, began)
		if err != nil {
			return reports, fmt.Errorf("malformed result of %s: %w", line.Host, err)
		}
		reports[line.Host] = report
		if told != nil {
			told(line.Host, report)
		}
	}
}
