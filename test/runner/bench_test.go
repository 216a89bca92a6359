package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
)

// BenchmarkRun measures one change of one opening, with and without Ansible
// loaded. CPU seconds are those of the operator's side: ansible-playbook with all
// that it starts, but not the gateways.
func BenchmarkRun(b *testing.B) {
	for _, hosts := range []int{1, 10} {
		topology, err := lab.NewTopology(lab.Layout{Gateways: hosts})
		must(b, err)
		for _, exposures := range []int{10, 10000} {
			for name, runner := range map[string]*ansible.PlaybookRunner{"started": &started, "forked": &forked} {
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
	for _, run := range runs {
		succeed(b, runner, run)
	}
	before := childrensTime(b)
	b.ResetTimer()
	for i := range b.N {
		succeed(b, runner, runs[i%2])
	}
	b.StopTimer()
	b.ReportMetric((childrensTime(b)-before).Seconds()/float64(b.N), "cpu-s/op")
}

// childrensTime is the CPU time of this process's children that ended, and of the
// process that has Ansible loaded with its own.
func childrensTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage))
	total := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	must(b, err)
	for _, file := range stats {
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if !strings.Contains(string(line), "forkserver.py") {
			continue
		}
		stat, err := os.ReadFile(file)
		must(b, err)
		_, rest, _ := strings.Cut(string(stat), ") ")
		for _, ticks := range strings.Fields(rest)[11:15] { // utime, stime, cutime, cstime: proc(5)
			number, err := strconv.Atoi(ticks)
			must(b, err)
			total += time.Duration(number) * 10 * time.Millisecond
		}
	}
	return total
}
