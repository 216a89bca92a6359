package runner_test

import (
	"fmt"
	"os"
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
	for _, run := range runs {
		succeed(b, runner, run)
	}
	before := processorTime(b, topology)
	var end, start time.Duration
	b.ResetTimer()
	for i := range b.N {
		for _, report := range succeed(b, runner, runs[i%2]) {
			start += report.Timings.Start / time.Duration(len(topology.Gateways))
			end += report.Timings.End / time.Duration(len(topology.Gateways))
		}
	}
	b.StopTimer()
	b.ReportMetric((processorTime(b, topology)-before).Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(start.Seconds()/float64(b.N), "start-s/op")
	b.ReportMetric(end.Seconds()/float64(b.N), "end-s/op")
}

// processorTime is what this process and all that come from it used so far, but
// for the gateways.
func processorTime(b *testing.B, topology *lab.Topology) time.Duration {
	used, err := lab.Process(os.Getpid()).OfTree()
	must(b, err)
	for _, gateway := range topology.Gateways {
		its, err := gateway.FirstProcess().OfTree()
		must(b, err)
		used -= its
	}
	return used
}
