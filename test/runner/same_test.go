package runner_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
)

// ways are both, by name.
var ways = map[string]*ansible.PlaybookRunner{"started": &started, "forked": &forked}

// inBothWays tells the same story on a topology of its own for each way, and
// demands the same reports of each of its runs.
func inBothWays(t *testing.T, gateways int, story func(t *testing.T, topology *lab.Topology, run func(ansible.Run) map[string]ansible.Report)) {
	t.Helper()
	told := map[string][]map[string]ansible.Report{}
	for name, runner := range ways {
		t.Run(name, func(t *testing.T) {
			story(t, open(t, gateways), func(run ansible.Run) map[string]ansible.Report {
				reports, err := runner.Run(t.Context(), run)
				must(t, err)
				told[name] = append(told[name], withoutChance(reports))
				return reports
			})
		})
	}
	if diff := cmp.Diff(told["started"], told["forked"]); diff != "" {
		t.Errorf("(-started +forked)\n%s", diff)
	}
}

// withoutChance leaves out what differs from run to run.
func withoutChance(reports map[string]ansible.Report) map[string]ansible.Report {
	same := map[string]ansible.Report{}
	for name, report := range reports {
		report.Timings = ansible.Timings{}
		report.Outcome.Drops = nil
		report.Outcome.Backup = ""
		same[name] = report
	}
	return same
}

func TestSameResults(t *testing.T) {
	inBothWays(t, 1, func(t *testing.T, topology *lab.Topology, run func(ansible.Run) map[string]ansible.Report) {
		first, more := runOf(t, topology, services(3)), runOf(t, topology, services(5))
		gateway := topology.Gateways[0].Name

		dry := first
		dry.Check = true
		if got := run(dry)[gateway].Outcome; !got.Changed || got.Action != "created" {
			t.Errorf("dry run: %+v", got)
		}
		if got := run(first)[gateway].Outcome; !got.Changed || got.Action != "created" || got.Revision != first.Targets[0].Revision {
			t.Errorf("first: %+v", got)
		}
		if got := run(first)[gateway].Outcome; got.Changed {
			t.Errorf("again: %+v", got)
		}
		if got := run(more)[gateway].Outcome; got.Elements.Added == 0 || got.Action != "elements" {
			t.Errorf("more: %+v", got)
		}
		wrong := more
		wrong.Targets = []ansible.Target{more.Targets[0]}
		wrong.Targets[0].PublicInterfaces = []string{"eth7"}
		if got := run(wrong)[gateway]; got.Reason != ansible.ReasonInterfaceMissing {
			t.Errorf("an interface that is not there: %+v", got)
		}
		removal := more
		removal.Playbook = playbookOf("remove.yml")
		if got := run(removal)[gateway]; got.Reason != "" || !got.Outcome.Changed {
			t.Errorf("removal: %+v", got)
		}
	})
}

func TestSameResultsWithAHostThatIsGone(t *testing.T) {
	inBothWays(t, 3, func(t *testing.T, topology *lab.Topology, run func(ansible.Run) map[string]ansible.Report) {
		all := runOf(t, topology, services(3))
		must(t, topology.Gateways[1].StopSSH())
		must(t, topology.Gateways[2].NewHostKeys())
		got := run(all)
		if len(got) != 3 {
			t.Fatalf("reports: %+v", got)
		}
		for i, want := range []ansible.Reason{"", ansible.ReasonConnectionRefused, ansible.ReasonHostKeyChanged} {
			if name := topology.Gateways[i].Name; got[name].Reason != want {
				t.Errorf("%s: %q, want %q: %s", name, got[name].Reason, want, got[name].Message)
			}
		}
	})
}

func TestSameEndOfARunThatTakesTooLong(t *testing.T) {
	topology := open(t, 1)
	run := runOf(t, topology, services(1))
	silent, err := net.Listen("tcp", "127.0.0.1:0") // which answers nothing
	must(t, err)
	defer func() { _ = silent.Close() }()
	listens := netip.MustParseAddrPort(silent.Addr().String())
	run.Targets[0].Address, run.Targets[0].Port = listens.Addr().String(), listens.Port()
	run.Access.ConnectTimeoutSeconds = 60
	run.ConfirmTimeoutSeconds = 5
	for name, runner := range ways {
		t.Run(name, func(t *testing.T) {
			hasty := *runner
			hasty.Timeout = 2 * time.Second
			began := time.Now()
			reports, err := hasty.Run(t.Context(), run)
			if !errors.Is(err, ansible.ErrTimeout) || len(reports) > 0 {
				t.Errorf("%+v %v, want %v", reports, err, ansible.ErrTimeout)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("that took %s", took)
			}
		})
	}
}
