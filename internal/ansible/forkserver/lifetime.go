package forkserver

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// useless reports whether the process will not have loaded Ansible.
func (p *process) useless() bool {
	return isClosed(p.ended) || !isClosed(p.loaded) && time.Since(p.began) > loadWithin
}

// takesRuns reports whether runs may begin in the process. One that ended while
// it loaded Ansible counts: who then waits for it is told why.
func (p *process) takesRuns() bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return !p.retired && (!isClosed(p.ended) || !isClosed(p.loaded))
}

// outdated reports whether a file that the loaded process is made of changed,
// as when Ansible is upgraded, or a developer edits a plugin.
func (p *process) outdated() bool {
	for path, loaded := range p.told.Files {
		info, err := os.Stat(path)
		if err != nil || info.ModTime().UnixNano() != loaded {
			return true
		}
	}
	return false
}

// unused reports whether no run ever began in the process, and nobody retired it.
func (p *process) unused() bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return !p.retired && p.begun == 0
}

// take counts a run, and retires a process that has done or grown enough. False
// where it takes no runs any more.
func (p *process) take(maxRuns, maxMemory int) bool {
	memory := p.residentMemory()
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.retired || isClosed(p.ended) {
		return false
	}
	p.begun++
	p.running++
	p.retired = p.begun >= maxRuns || memory > maxMemory
	return true
}

// release counts the end of a run. A retired process ends with its last one.
func (p *process) release() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.running--
	p.killIfDone()
}

// retire has no more runs begin; those that did go on. False where it was
// retired before.
func (p *process) retire() bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.retired {
		return false
	}
	p.retired = true
	p.killIfDone()
	return true
}

func (p *process) killIfDone() {
	if p.retired && p.running == 0 {
		p.kill()
	}
}

// residentMemory of the process in bytes; 0 where it cannot be read.
func (p *process) residentMemory() int {
	statm, err := os.ReadFile("/proc/" + strconv.Itoa(p.command.Process.Pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1])
	return pages * os.Getpagesize()
}

func isClosed(channel <-chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}
