package ansible

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTimingsAddUp(t *testing.T) {
	at := func(seconds float64) time.Time { return time.Unix(1700000000, int64(seconds*1e9)) }
	run := phases{began: at(0), asked: at(0.125)}
	line := `{"began":1700000000.25,"check":0.0625,"render":0.125,"remote":0.75,"module":0.5,"list":0.125,"load":0.25,"confirm":0.25,"action":1.25}`
	var told seconds
	if err := json.Unmarshal([]byte(line), &told); err != nil {
		t.Fatal(err)
	}
	want := Timings{
		Files: 125 * time.Millisecond, Start: 125 * time.Millisecond,
		Check: 62500 * time.Microsecond, Render: 125 * time.Millisecond,
		SSH: 250 * time.Millisecond, Module: 125 * time.Millisecond, List: 125 * time.Millisecond, Load: 250 * time.Millisecond,
		Confirm: 250 * time.Millisecond, End: 500 * time.Millisecond, Total: 2 * time.Second,
	}
	if diff := cmp.Diff(want, run.timings(told, at(2))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTimingsOfAHostThatToldNothing(t *testing.T) {
	began := time.Now()
	got := phases{began, began.Add(time.Second)}.timings(seconds{}, began.Add(3*time.Second))
	if want := (Timings{Files: time.Second, Total: 3 * time.Second}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTimingsAreNeverNegative(t *testing.T) {
	began := time.Now()
	got := phases{began, began}.timings(seconds{Began: float64(began.Add(-time.Hour).Unix()), Module: 1, Action: 7200}, began)
	if got.Start != 0 || got.SSH != 0 || got.End != 0 {
		t.Errorf("of a clock that was set: %+v", got)
	}
}

func TestRunTellsItsTime(t *testing.T) {
	eachWay(t, func(t *testing.T, fake func(string) *PlaybookRunner) {
		runner := fake(`
sleep 0.2
began=$(date +%s.%N)
sleep 0.4
echo '{"host":"gw1","status":"ok","result":{"seconds":{"began":'"$began"',"action":0.1}}}' > "$NFT_OPERATOR_RESULTS"`)
		reports, err := runner.Run(t.Context(), sampleRun(t, nil))
		if err != nil {
			t.Fatal(err)
		}
		got := reports["gw1"].Timings
		if got.Start < 200*time.Millisecond || got.End < 200*time.Millisecond || got.Files <= 0 || got.Total < got.Files+got.Start+got.End {
			t.Errorf("%+v", got)
		}
	})
}
