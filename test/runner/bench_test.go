package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
)

// BenchmarkRun measures one change of one opening, with and without Ansible
// loaded. CPU seconds are those of the operator's side: this process with all
// that it starts, but not the gateways.
func BenchmarkRun(b *testing.B) {
	for _, hosts := range []int{1, 10} {
		topology, err := lab.NewTopology(lab.Layout{Gateways: hosts})
		must(b, err)
		for _, exposures := range []int{10, 10000} {
			for name, runner := range ways {
				b.Run(fmt.Sprintf("%dhosts/%dexposures/%s", hosts, exposures, name), func(b *testing.B) {
					measure(b, runner, topology, exposures)
				})
			}
		}
		must(b, topology.Close())
	}
}

func measure(b *testing.B, runner *ansible.PlaybookRunner, topology *lab.Topology, exposures int) {
	all := services(exposures + 1)
	runs := []ansible.Run{runOf(b, topology, all[:exposures]), runOf(b, topology, all)}
	group := enterGroup(b)
	for _, run := range runs {
		succeed(b, runner, run)
	}
	before := group.time(b)
	var end, start time.Duration
	b.ResetTimer()
	for i := range b.N {
		for _, report := range succeed(b, runner, runs[i%2]) {
			start += report.Timings.Start / time.Duration(len(topology.Gateways))
			end += report.Timings.End / time.Duration(len(topology.Gateways))
		}
	}
	b.StopTimer()
	b.ReportMetric((group.time(b)-before).Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(start.Seconds()/float64(b.N), "start-s/op")
	b.ReportMetric(end.Seconds()/float64(b.N), "end-s/op")
}

// group is a control group: of a run, only that counts those processes too that
// nobody waits for.
type group string

const accounting = "/sys/fs/cgroup/cpuacct"

// enterGroup has this process in a group of its own until the end of the
// benchmark, and what it starts meanwhile for ever.
func enterGroup(b *testing.B) group {
	b.Helper()
	entered := group(filepath.Join(accounting, fmt.Sprintf("nft-operator-bench-%d", os.Getpid())))
	must(b, os.MkdirAll(string(entered), 0o755))
	enter := func(group string) {
		must(b, os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0o600))
	}
	enter(string(entered))
	b.Cleanup(func() { enter(accounting) })
	return entered
}

// time is the CPU time of all that was in the group.
func (g group) time(b *testing.B) time.Duration {
	b.Helper()
	text, err := os.ReadFile(filepath.Join(string(g), "cpuacct.usage"))
	must(b, err)
	nanoseconds, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	must(b, err)
	return time.Duration(nanoseconds)
}
