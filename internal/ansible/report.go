package ansible

import (
	"encoding/json"
	"time"
)

// Report is what one host answered.
type Report struct {
	// Reason is empty when the host enforces the intent and that was read back.
	Reason Reason
	// Message says what is wrong and what to do, where Reason is not empty.
	Message string
	// Outcome is what the module saw and did; zero where it did not run.
	Outcome Outcome
	// Timings are what the run spent its time on.
	Timings Timings
}

// Outcome is the module's JSON result, see roles/nft/README.md.
type Outcome struct {
	Changed bool `json:"changed"`
	// Revision and Structure are what the host enforces; where the structure was
	// held back, Structure is another than intended.
	Revision  string `json:"revision"`
	Structure string `json:"structure"`
	// Action is none, elements, rules, replaced, created or files.
	Action string `json:"action"`
	// Held says why only openings were changed: HeldAsAsked, HeldRolledBack, or
	// empty where all was.
	Held Held `json:"held"`
	// Drift names what somebody else had changed since the last run.
	Drift []string `json:"drift"`
	// RolledBack is the last change that the host took back, nil where none was.
	RolledBack *RolledBack `json:"rolled_back"`
	// Boot says whether the host loads the ruleset before its network is up.
	Boot       string     `json:"boot"`
	Elements   Elements   `json:"elements"`
	Versions   Versions   `json:"versions"`
	LocalChain LocalChain `json:"local_chain"`
	Backup     string     `json:"backup"`
	Drops      []Drop     `json:"drops"`
	Limits     Limits     `json:"limits"`
}

// Held says why a host's structure was left as it is.
type Held string

// Values of Held.
const (
	HeldAsAsked    Held = "Asked"
	HeldRolledBack Held = "RolledBack"
)

// RolledBack is a change that a host took back, because nobody could log in
// anew after it.
type RolledBack struct {
	Revision  string `json:"revision"`
	Structure string `json:"structure"`
	// At is when, by the host's clock, in RFC 3339.
	At string `json:"at"`
}

// Values of Outcome.Boot.
const (
	BootUnit  = "Unit"
	BootNoWay = "NoSystemd"
)

// Elements counts elements of sets and maps that one change touched.
type Elements struct {
	Added   int `json:"added"`
	Deleted int `json:"deleted"`
}

// Versions are what the host runs.
type Versions struct {
	Nft    string `json:"nft"`
	Kernel string `json:"kernel"`
	Python string `json:"python"`
	OS     string `json:"os"`
}

// LocalChain is what became of the administrator's local-chain.nft.
type LocalChain struct {
	// State is Accepted, Created or Broken.
	State string `json:"state"`
	// Message is nft's own, with Line, where State is Broken.
	Message string `json:"message"`
	Line    int    `json:"line"`
	// DropsAll is true where a rule in force drops every packet that comes to it.
	DropsAll bool `json:"drops_all"`
}

// LocalChainBroken is the state of a local chain that nft refused; the last
// one that it accepted stays in force.
const LocalChainBroken = "Broken"

// Drop is a count of dropped packets by reason.
type Drop struct {
	Reason  string `json:"reason"`
	Packets int64  `json:"packets"`
	Bytes   int64  `json:"bytes"`
}

// Limits tell how a host holds Services and interfaces to their rates.
type Limits struct {
	// Engine that does it, and why this one.
	Engine  string `json:"engine"`
	Because string `json:"because"`
	// Over are the Services that were over a limit since the counters began, most
	// packets first, at most 100.
	Over []OverLimit `json:"over"`
	// InterfacesOver are the interfaces likewise, by name and direction.
	InterfacesOver []InterfaceOverLimit `json:"interfaces_over"`
}

// OverLimit counts what was dropped of a Service because it was over a limit.
type OverLimit struct {
	// Service is namespace/name.
	Service string `json:"service"`
	Packets int64  `json:"packets"`
	Bytes   int64  `json:"bytes"`
}

// InterfaceOverLimit counts what was dropped because an interface was over its
// limit of one direction.
type InterfaceOverLimit struct {
	Name string `json:"name"`
	// Direction is ingress or egress.
	Direction string `json:"direction"`
	Packets   int64  `json:"packets"`
	Bytes     int64  `json:"bytes"`
}

// resultLine is one line of the callback plugin nft_result.
type resultLine struct {
	Host   string          `json:"host"`
	Status string          `json:"status"`
	Result json.RawMessage `json:"result"`
}

func decodeReport(line resultLine, began phases) (Report, error) {
	var report Report
	if err := json.Unmarshal(line.Result, &report.Outcome); err != nil {
		return report, err
	}
	var timed struct {
		Seconds seconds `json:"seconds"`
	}
	if err := json.Unmarshal(line.Result, &timed); err != nil {
		return report, err
	}
	report.Timings = began.timings(timed.Seconds, time.Now())
	if line.Status == "ok" {
		return report, nil
	}
	var failure failure
	if err := json.Unmarshal(line.Result, &failure); err != nil {
		return report, err
	}
	if line.Status == "unreachable" {
		report.Reason, report.Message = classifyUnreachable(failure.text())
	} else {
		report.Reason, report.Message = classifyFailure(failure)
	}
	return report, nil
}
