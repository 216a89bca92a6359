package lab

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// recipe is a script that fills a directory with what the lab cannot fetch from
// inside.
type recipe struct {
	script string // in hack
	cache  string // the directory's place in .cache
	last   string // a file that appears when all are there
	what   string // in words
}

// ensure returns the directory, and has it filled, once for each version of the
// script. It needs the network, so it works outside of the lab.
func (r recipe) ensure(progress io.Writer) (string, error) {
	repository, err := repositoryRoot()
	if err != nil {
		return "", err
	}
	script := filepath.Join(repository, "hack", r.script)
	text, err := os.ReadFile(script)
	if err != nil {
		return "", err
	}
	directory := filepath.Join(cacheDirectory(repository), r.cache, fmt.Sprintf("%x", sha256.Sum256(text))[:16])
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return "", err
	}
	unlock, err := lockDirectory(directory, progress)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(directory, r.last)); err == nil {
		return directory, nil
	}
	_, _ = fmt.Fprintf(progress, "lab: making %s, once; it takes about a minute\n", r.what)
	return directory, runWithProgress(exec.Command(script, directory), "making "+r.what, progress)
}
