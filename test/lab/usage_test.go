package lab

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestProcessorTimeOfATreeHasThoseThatEnded burns some in a child of a child,
// which then ends, and in one that goes on.
func TestProcessorTimeOfATreeHasThoseThatEnded(t *testing.T) {
	const burn = `import os, time
while sum(os.times()[:2]) < 0.3: pass
`
	root := exec.Command("sh", "-c", `python3 -c "$1"; python3 -c "$1 
print('burnt', flush=True)
time.sleep(60)" & wait`, "sh", burn)
	output, err := root.StdoutPipe()
	must(t, err)
	must(t, root.Start())
	first := Process(root.Process.Pid)
	t.Cleanup(func() {
		tree, err := first.Tree()
		must(t, err)
		for _, process := range tree {
			_ = syscall.Kill(int(process), syscall.SIGKILL)
		}
		_ = root.Wait()
	})
	_, err = output.Read(make([]byte, 16))
	must(t, err)
	used, err := first.OfTree()
	must(t, err)
	if used < 550*time.Millisecond || used > 1500*time.Millisecond {
		t.Errorf("two processes used 0.3 s each, and the tree %s", used)
	}
	if own, err := first.Own(); err != nil || own > 100*time.Millisecond {
		t.Errorf("the first one used %s itself (%v)", own, err)
	}
}

func TestMemoryOfAProcess(t *testing.T) {
	self := Process(os.Getpid())
	resident, err := self.Resident()
	must(t, err)
	most, err := self.MostResident()
	must(t, err)
	share, err := self.Share()
	must(t, err)
	if resident < 1<<20 || most < resident || share < 1<<20 || share > most {
		t.Errorf("this process has %d bytes in memory, %d at the most, its share is %d", resident, most, share)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
