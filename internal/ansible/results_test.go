package ansible

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// twoHosts is a run of which the fake playbook reports what its script writes.
func twoHosts(t *testing.T) Run {
	run := sampleRun(t, nil)
	second := run.Targets[0]
	second.Name = "gw2"
	run.Targets = append(run.Targets, second)
	return run
}

func TestAHostIsToldOfWhileTheRunGoesOn(t *testing.T) {
	runner := fakePlaybook(t, `
printf '{"host":"gw1","status":"ok","result":{"revision":"abc"}}\n' >> "$NFT_OPERATOR_RESULTS"
while ! [ -e "$HOME/../../told" ]; do sleep 0.05; done
printf '{"host":"gw2","status":"ok","result":{"revision":"def"}}\n' >> "$NFT_OPERATOR_RESULTS"`)
	run := twoHosts(t)
	var told []string
	run.Told = func(host string, report Report) {
		told = append(told, host+" "+report.Outcome.Revision)
		if host == "gw1" { // and not before, the run ends
			write(t, filepath.Join(runner.WorkDir.root, "told"), "")
		}
	}
	reports, err := runner.Run(t.Context(), run)
	if err != nil || len(reports) != 2 {
		t.Fatalf("%v, %v", reports, err)
	}
	if len(told) != 2 || told[0] != "gw1 abc" || told[1] != "gw2 def" {
		t.Errorf("told of %q", told)
	}
}

// TestAnAnswerThatCannotBeUnderstoodHarmsNoOtherHost, whatever a gateway answers.
func TestAnAnswerThatCannotBeUnderstoodHarmsNoOtherHost(t *testing.T) {
	for _, bad := range []string{
		`{"host":"gw1","status":"ok","result":{"versions":[]}}`, `{"host":"gw1","status":"ok","result":7}`, `{"host":"gw1","status":"failed","result":{"msg":{}}}`,
		`{"host":"gw1","status":"ok","result":{"seconds":{"module":"long"}}}`,
		`{"host":"gw1","status":"ok","result":{"seconds":NaN}}`, `nothing`,
	} {
		t.Run(bad, func(t *testing.T) {
			runner := fakePlaybook(t, `
echo '`+bad+`' >> "$NFT_OPERATOR_RESULTS"
echo '{"host":"gw2","status":"ok","result":{"revision":"def"}}' >> "$NFT_OPERATOR_RESULTS"`)
			reports, err := runner.Run(t.Context(), twoHosts(t))
			if reports["gw2"].Outcome.Revision != "def" || reports["gw2"].Reason != "" {
				t.Errorf("gw2: %+v", reports["gw2"])
			}
			if gw1, told := reports["gw1"]; told && gw1.Reason != ReasonRunnerFailed || !told && err == nil {
				t.Errorf("gw1: %+v, %v", gw1, err)
			}
		})
	}
}

func TestWhatWasReportedBeforeTheRunWasKilledIsTrue(t *testing.T) {
	runner := fakePlaybook(t, `
printf '{"host":"gw1","status":"ok","result":{"revision":"abc"}}\n{"host":"gw2","sta' >> "$NFT_OPERATOR_RESULTS"
exec sleep 60`)
	run := twoHosts(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	run.Told = func(string, Report) { cancel() }
	reports, err := runner.Run(ctx, run)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the run ended with %v", err)
	}
	if len(reports) != 1 || reports["gw1"].Outcome.Revision != "abc" {
		t.Errorf("reports: %+v", reports)
	}
}
