package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Process is one that runs in the lab.
type Process int

// FirstProcess is the box's pid 1, which all others of the box come from.
func (b *Box) FirstProcess() Process { return Process(b.process.Process.Pid) }

// FirstProcess is the first one of the operator's container.
func (o *Operator) FirstProcess() Process { return Process(o.Pid()) }

// clockTick is the unit of times in /proc: the kernel has no other for programs.
const clockTick = time.Second / 100

// Own is the processor time that the process itself used so far.
func (p Process) Own() (time.Duration, error) {
	used, _, err := p.times()
	return used, err
}

// OfTree is the processor time that the process and all that come from it used so
// far, those that have ended too, as long as somebody waited for them.
func (p Process) OfTree() (total time.Duration, err error) {
	tree, err := p.Tree()
	if err != nil {
		return 0, err
	}
	for _, process := range tree {
		used, byEnded, err := process.times()
		if os.IsNotExist(err) && process != p {
			continue // now it is one of the ended ones of another
		}
		if err != nil {
			return 0, err
		}
		total += used + byEnded
	}
	return total, nil
}

// Tree is the process and all that come from it, in no order.
func (p Process) Tree() ([]Process, error) {
	tree := []Process{p}
	for i := 0; i < len(tree); i++ {
		lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", tree[i]))
		if err != nil {
			return nil, err
		}
		for _, list := range lists {
			content, _ := os.ReadFile(list) // a thread that ended has no children
			for pid := range strings.FieldsSeq(string(content)) {
				number, err := strconv.Atoi(pid)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", list, err)
				}
				tree = append(tree, Process(number))
			}
		}
	}
	return tree, nil
}

// times are the process's own ones, and those of children that it waited for.
func (p Process) times() (own, byEnded time.Duration, err error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
	if err != nil {
		return 0, 0, err
	}
	// What follows the name, which may contain anything, begins with field 3.
	fields := strings.Fields(string(content[strings.LastIndexByte(string(content), ')')+1:]))
	const userTime, systemTime, endedUserTime, endedSystemTime = 14 - 3, 15 - 3, 16 - 3, 17 - 3
	if len(fields) <= endedSystemTime {
		return 0, 0, fmt.Errorf("/proc/%d/stat has %d fields", p, len(fields))
	}
	ticks := map[int]time.Duration{}
	for _, field := range []int{userTime, systemTime, endedUserTime, endedSystemTime} {
		number, err := strconv.ParseInt(fields[field], 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("/proc/%d/stat: %w", p, err)
		}
		ticks[field] = time.Duration(number) * clockTick
	}
	return ticks[userTime] + ticks[systemTime], ticks[endedUserTime] + ticks[endedSystemTime], nil
}

// Name is what the kernel calls the process.
func (p Process) Name() string {
	content, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p))
	return strings.TrimSpace(string(content))
}

// Resident is what the process has in memory, in bytes. What it shares with others
// counts whole.
func (p Process) Resident() (int64, error) { return p.kibibytes("status", "VmRSS") }

// MostResident is the most that it ever had.
func (p Process) MostResident() (int64, error) { return p.kibibytes("status", "VmHWM") }

// Share is what the process has in memory, in bytes, of which what it shares with
// others counts for each of them with its part.
func (p Process) Share() (int64, error) { return p.kibibytes("smaps_rollup", "Pss") }

// kibibytes reads a field of a file of the process, in bytes.
func (p Process) kibibytes(file, field string) (int64, error) {
	path := fmt.Sprintf("/proc/%d/%s", p, file)
	content, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(content)) {
		name, value, _ := strings.Cut(line, ":")
		if name != field {
			continue
		}
		number, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		return number << 10, nil
	}
	return 0, fmt.Errorf("%s has no field %s", path, field)
}
