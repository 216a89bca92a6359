package ansible

import (
	"math"
	"time"
)

// Timings are what a run spent its time on, for one host. Zero where that is not
// known: a host that was not reached tells nothing, nor does an earlier role.
type Timings struct {
	// Files is the writing of the run's files.
	Files time.Duration
	// Start is from asking for the run until the action plugin began on the host.
	Start time.Duration
	// Check and Render are the plugin's, which checks variables and renders templates.
	Check, Render time.Duration
	// SSH is what the execution on the host took besides the module.
	SSH time.Duration
	// Module is what the module took besides List and Load.
	Module time.Duration
	// List is the reading of the kernel, Load nft's loading of a change with reading
	// it back.
	List, Load time.Duration
	// Confirm is everything about confirming a change.
	Confirm time.Duration
	// End is from the end of the action plugin until the operator had its answer.
	End time.Duration
	// Total is all of it.
	Total time.Duration
}

// seconds are what the role's answer tells of its time, see Timings.
type seconds struct {
	// Began is the time when the action plugin began, in seconds since 1970.
	Began   float64 `json:"began"`
	Check   float64 `json:"check"`
	Render  float64 `json:"render"`
	Remote  float64 `json:"remote"` // of the execution on the host, and in it
	Module  float64 `json:"module"` // all of the module, and in it
	List    float64 `json:"list"`
	Load    float64 `json:"load"`
	Confirm float64 `json:"confirm"`
	Action  float64 `json:"action"` // the whole action plugin
}

// phases are when a run began to write its files, and was asked for.
type phases struct{ began, asked time.Time }

// timings of a host that told its part, and when that arrived.
func (p phases) timings(told seconds, arrived time.Time) Timings {
	timings := Timings{Files: p.asked.Sub(p.began), Total: arrived.Sub(p.began)}
	if told.Began == 0 {
		return timings
	}
	whole, part := math.Modf(told.Began)
	began := time.Unix(int64(whole), int64(part*float64(time.Second)))
	timings.Start = positive(began.Sub(p.asked))
	timings.Check, timings.Render = duration(told.Check), duration(told.Render)
	timings.SSH = duration(told.Remote - told.Module)
	timings.Module = duration(told.Module - told.List - told.Load)
	timings.List, timings.Load = duration(told.List), duration(told.Load)
	timings.Confirm = duration(told.Confirm)
	timings.End = positive(arrived.Sub(began) - duration(told.Action))
	return timings
}

func duration(seconds float64) time.Duration {
	return positive(time.Duration(seconds * float64(time.Second)))
}

// positive leaves out what only a clock that was set meanwhile can make.
func positive(d time.Duration) time.Duration { return max(0, d) }
