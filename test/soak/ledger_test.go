package soak

import (
	"fmt"
	"maps"
	"sync"
)

// ledger remembers what was counted, and tells what went backwards.
type ledger struct {
	// mutex is held while the kernel is read too: what is excused must not
	// change between the reading and the judging.
	mutex    sync.Mutex
	table    int
	doors    map[door]opened
	counters map[string]count
	excused  map[door]bool
	reads    int
	replaced int
}

func newLedger() *ledger { return &ledger{excused: map[door]bool{}} }

// forget begins anew.
func (l *ledger) forget() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.table, l.doors, l.counters, l.reads, l.replaced = 0, nil, nil, 0, 0
	clear(l.excused)
}

// excuse says that doors are about to be closed, and may be opened again: their
// counters may begin anew until all is settled.
func (l *ledger) excuse(doors ...door) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, door := range doors {
		l.excused[door] = true
		delete(l.doors, door)
	}
}

// settled says that what was excused is over.
func (l *ledger) settled() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	clear(l.excused)
}

// read reads the kernel and tells every counter that went backwards or is gone.
func (l *ledger) read(kernel func() (kernel, error), lost func(string)) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	now, err := kernel()
	if err != nil {
		return err
	}
	l.reads++
	if l.table != 0 && now.table != l.table {
		l.replaced++
	}
	l.table = now.table
	for name, before := range l.counters {
		if after, there := now.counters[name]; !there || after.less(before) {
			lost(fmt.Sprintf("counter %s went from %s to %s", name, before, after))
		}
	}
	for door, before := range l.doors {
		after, there := now.doors[door]
		if !there || after.comment != before.comment || after.less(before.count) {
			lost(fmt.Sprintf("the counter of %s (%s) went from %s to %s (%s)", door, before.comment, before, after.count, after.comment))
		}
	}
	l.counters, l.doors = now.counters, now.doors
	maps.DeleteFunc(l.doors, func(door door, _ opened) bool { return l.excused[door] })
	return nil
}

func (c count) less(other count) bool { return c.Packets < other.Packets || c.Bytes < other.Bytes }

func (c count) String() string { return fmt.Sprintf("%d packets, %d bytes", c.Packets, c.Bytes) }
