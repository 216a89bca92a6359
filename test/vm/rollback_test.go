package vm_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
	"github.com/nft-operator/nft-operator/test/lab/apply"
)

// TestUnconfirmedChange has the operator cut its own way in: it names the
// cluster side as public and nothing as management.
func TestUnconfirmedChange(t *testing.T) {
	g := newFilteredGateway(t)
	before, sound := g.rules(t), g.spec.PublicInterfaces
	g.spec.PublicInterfaces = []v1alpha1.InterfaceName{lab.ClusterInterface}

	for name, jump := range map[string]time.Duration{
		"is taken back in time though the clock jumps forwards":  5 * time.Hour,
		"is taken back in time though the clock jumps backwards": -5 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			run := g.run(t)
			run.ConfirmTimeoutSeconds = 30
			run.Targets[0].Retry = true
			attempt := g.startCutting(t, run)
			// What will take it back has read the clock by then.
			eventually(t, "the change", func() bool { return g.rules(t) != before })
			must(t, g.MoveClock(jump))
			g.expectTakenBackAfter(t, time.Duration(run.ConfirmTimeoutSeconds)*time.Second)
			g.expectRules(t, before)
			attempt.expect(t, ansible.ReasonNotConfirmed)
			must(t, g.AwaitSSH())

			outcome := g.apply(t)
			taken := outcome.RolledBack
			if outcome.Held != ansible.HeldRolledBack || taken == nil || taken.Structure != run.Targets[0].Structure {
				t.Errorf("the next run does not tell that the change was taken back: %+v", outcome)
			}
			g.expectRules(t, before)
		})
	}

	t.Run("does not outlive a power failure", func(t *testing.T) {
		run := g.run(t)
		run.ConfirmTimeoutSeconds = 300 // far longer than a boot
		run.Targets[0].Retry = true
		attempt := g.startCutting(t, run)
		eventually(t, "the change", func() bool { return g.rules(t) != before })
		knocking := g.startKnocking(t)
		must(t, g.Reset())
		knocking.awaitRound(t)
		knocking.stopAndExpectNothing(t)
		g.expectRules(t, before)
		attempt.expect(t, ansible.ReasonNotConfirmed, ansible.ReasonConnectionTimeout) // the power may have gone before the first answer came
	})

	g.spec.PublicInterfaces = sound
	if outcome := g.apply(t); outcome.Held != "" {
		t.Errorf("a sound spec is not what is enforced: %+v", outcome)
	}
	g.expectOnlyWeb(t)
}

// What takes a change back, and where it is seen while it waits.
const (
	rollbackUnit   = "nft-operator-rollback.service"
	rollbackCgroup = "/sys/fs/cgroup/system.slice/" + rollbackUnit
)

// armed reports whether the machine waits for a change to be confirmed.
func (g *gateway) armed() bool {
	_, err := g.Exec("test", "-e", rollbackCgroup)
	return err == nil
}

// expectTakenBackAfter waits until an armed change was taken back, and demands
// that this took the time that it should.
func (g *gateway) expectTakenBackAfter(t *testing.T, want time.Duration) {
	t.Helper()
	begin := time.Duration(g.monotonic(t, rollbackUnit, "ExecMainStartTimestampMonotonic")) * time.Microsecond
	eventually(t, "the change to be taken back", func() bool { return !g.armed() })
	waited := g.uptime(t) - begin
	// To bring the kernel back takes an emulated host seconds.
	if waited < want-2*time.Second || waited > want+30*time.Second {
		t.Errorf("the change was taken back after %s, want %s", waited, want)
	}
}

// cutting is a run that cuts its own way in.
type cutting struct {
	reports map[string]ansible.Report
	err     error
	done    chan struct{}
}

// startCutting begins a run and waits until the machine is armed for it.
func (g *gateway) startCutting(t *testing.T, run ansible.Run) *cutting {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := &cutting{done: make(chan struct{})}
	t.Cleanup(func() {
		cancel()
		<-c.done
	})
	go func() {
		defer close(c.done)
		c.reports, c.err = runner.Run(ctx, run)
	}()
	eventually(t, "the machine to be armed", func() bool {
		select {
		case <-c.done:
			t.Fatalf("the run ended before: %+v, %v", c.reports, c.err)
		default:
		}
		return g.armed()
	})
	return c
}

// expect waits until the run tells that nobody could come in, in one of these words.
func (c *cutting) expect(t *testing.T, reasons ...ansible.Reason) {
	t.Helper()
	<-c.done
	report := c.reports[apply.HostName]
	if c.err != nil || !slices.Contains(reasons, report.Reason) {
		t.Errorf("want one of %v, got %s: %s (%v)", reasons, report.Reason, report.Message, c.err)
	}
}

// uptime is how long ago the machine booted, by a clock that nobody sets.
func (g *gateway) uptime(t *testing.T) time.Duration {
	t.Helper()
	output, err := g.ReadFile("/proc/uptime")
	must(t, err)
	text, _, _ := strings.Cut(string(output), " ")
	seconds, err := strconv.ParseFloat(text, 64)
	must(t, err)
	return time.Duration(seconds * float64(time.Second))
}
