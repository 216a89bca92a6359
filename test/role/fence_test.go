package role_test

import (
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

func TestAWriterThatWasOvertakenIsRefused(t *testing.T) {
	h := newSharedHost(t)
	in := func(epoch, sequence int64) run { return run{fence: &ansible.Fence{Epoch: epoch, Sequence: sequence}} }
	for _, step := range []struct {
		name    string
		by      run
		refused bool
	}{
		{"the first operator", in(5, 7), false},
		{"the same run once more", in(5, 7), false},
		{"an earlier run of it", in(5, 6), true},
		{"an earlier operator", in(4, 900), true},
		{"a run by hand", run{}, false},
		{"the next operator", in(6, 1), false},
		{"the first operator again", in(5, 8), true},
	} {
		t.Run(step.name, func(t *testing.T) {
			h.apply(t, edge(web))
			before := h.kernel(t) + h.files(t)
			if !step.refused {
				if got := h.play(t, edge(web, api), step.by); got.Status != "ok" {
					t.Fatalf("%+v", got.Result)
				}
				return
			}
			got := h.refused(t, edge(web, api), step.by, ansible.ReasonStaleWriter)
			if !strings.Contains(got.Result.Msg, "taken this gateway over") {
				t.Errorf("message: %s", got.Result.Msg)
			}
			if after := h.kernel(t) + h.files(t); after != before {
				t.Errorf("something changed:\n%s", difference(t, before, after))
			}
		})
	}

	// A reboot forgets the runs, but not the operator.
	h.exec(t, "rm", "-r", "/run/nft-operator")
	h.refused(t, edge(web), in(5, 900), ansible.ReasonStaleWriter)
	if got := h.play(t, edge(web), in(6, 1)); got.Status != "ok" {
		t.Errorf("%+v", got.Result)
	}
}

func TestOnlyOpeningsWhereAskedTo(t *testing.T) {
	h := newSharedHost(t)
	h.refused(t, edge(web), run{hold: true}, "NothingToHold")
	first := h.apply(t, edge(web)).Result
	other := edge(api, web6)
	other.Firewall.EstablishedConnections = "terminate"
	other.Firewall.Management.IPv4 = []string{"192.0.2.0/24"}
	got := h.play(t, other, run{hold: true})
	if r := got.Result; got.Status != "ok" || r.Held != ansible.HeldAsAsked || r.Action != "elements" || r.Structure != first.Structure {
		t.Fatalf("%s %+v", got.Status, r)
	}
	ours := h.ours(t)
	for text, want := range map[string]bool{api.Address: true, web6.Address: true, web.Address: false, `"ct":{"key":"direction"}`: false} {
		if strings.Contains(ours, text) != want {
			t.Errorf("%s is there: %v", text, !want)
		}
	}
	h.assertConverged(t)
	if r := h.play(t, other, run{hold: true}).Result; r.Changed {
		t.Errorf("once more: %+v", r)
	}
	if r := h.apply(t, other).Result; r.Action != "rules" || r.Held != "" || r.Structure == first.Structure {
		t.Errorf("no longer held: %+v", r)
	}
}
