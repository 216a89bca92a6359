package main

import (
	"fmt"

	"github.com/nft-operator/nft-operator/test/lab"
)

// stages are those of the operator's histogram, in the order of time.
var stages = []string{"queue", "plan", "slot", "files", "start", "check", "render", "ssh", "module", "list", "load", "confirm", "end"}

// stageTimes are the sums of the histogram so far.
type stageTimes map[string]struct{ seconds, count float64 }

func readStages(operator *lab.Operator) (stageTimes, error) {
	times := stageTimes{}
	for _, stage := range stages {
		label := fmt.Sprintf("stage=%q", stage)
		sum, err := operator.Metric("nft_operator_stage_seconds_sum", label)
		if err != nil {
			return nil, err
		}
		count, err := operator.Metric("nft_operator_stage_seconds_count", label)
		if err != nil {
			return nil, err
		}
		times[stage] = struct{ seconds, count float64 }{sum, count}
	}
	return times, nil
}

// meansSince are the mean seconds of each stage since an earlier reading; zero
// for one that did not happen.
func (t stageTimes) meansSince(earlier stageTimes) map[string]float64 {
	means := map[string]float64{}
	for stage, now := range t {
		if count := now.count - earlier[stage].count; count > 0 {
			means[stage] = (now.seconds - earlier[stage].seconds) / count
		}
	}
	return means
}
