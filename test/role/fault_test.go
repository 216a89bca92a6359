package role_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
)

// TestHostsThatCannotBeWorkedOn are left exactly as they were, and say why.
func TestHostsThatCannotBeWorkedOn(t *testing.T) {
	for _, fault := range []struct {
		name        string
		inject      func(*host)
		differently run
		reason      ansible.Reason
		says        string
	}{
		{"not root", nil, run{user: lab.User}, ansible.ReasonNotRoot, "become"},
		{"interface missing", nil, run{interfaces: []string{"eth0", "eth7"}}, ansible.ReasonInterfaceMissing, "eth7"},
		{"nft missing", func(h *host) { h.exec(t, "rm", "/usr/sbin/nft") }, run{}, ansible.ReasonNftMissing, "nftables"},
		{"nft too old", func(h *host) { h.fakeNft(t, `if [ "$*" = --version ]; then echo 'nftables v0.9.8 (E.D.S.)'; exit; fi`) }, run{},
			ansible.ReasonUnsupported, "0.9.8"},
		{"nft refuses", func(h *host) { h.fakeNft(t, `case "$*" in *check*) echo 'it is Monday' >&2; exit 1;; esac`) }, run{},
			ansible.ReasonRulesetRejected, "it is Monday"},
		{"nft pretends", func(h *host) { h.fakeNft(t, `case "$*" in --file*) in_host && exit 0;; esac`) }, run{},
			ansible.ReasonReadBackMismatch, "reported success"},
		{"the kernel is full", func(h *host) {
			h.fakeNft(t, `case "$*" in --file*) in_host && { echo 'Could not process rule: No space left on device' >&2; exit 1; };; esac`)
		}, run{}, ansible.ReasonRulesetRejected, "No space left on device"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			h := newHost(t)
			if fault.inject != nil {
				fault.inject(h)
			}
			before := h.files(t)
			got := h.refused(t, edge(web), fault.differently, fault.reason)
			if !strings.Contains(got.Result.Msg, fault.says) {
				t.Errorf("message: %s", got.Result.Msg)
			}
			if after := h.files(t); after != before {
				t.Errorf("files changed:\n%s", difference(t, before, after))
			}
			if rules := h.kernel(t); rules != "" {
				t.Errorf("the kernel has rules:\n%s", rules)
			}
		})
	}
}

func TestAnNftThatFailsAfterItLoadedIsNoFailure(t *testing.T) {
	h := newHost(t)
	h.fakeNft(t, `case "$*" in --file*) in_host && { "$real" "$@"; echo 'it broke afterwards' >&2; exit 1; };; esac`)
	if got := h.apply(t, edge(web)).Result; got.Action != "created" {
		t.Errorf("%+v", got)
	}
	h.assertConverged(t)
}

// TestElementsThatAHandTakesMeanwhile has somebody delete the elements of a
// Service between the look at the kernel and the change that closes the Service.
func TestElementsThatAHandTakesMeanwhile(t *testing.T) {
	other := open("shop/other", "203.0.113.20", 80)
	for _, test := range []struct {
		what, before string
		wanted       ansible.Vars
	}{
		{"before the change is loaded", "--file*", edge(web, web6)},
		{"before the only change is loaded", "--file*", edge(web)},
		{"before the change is checked", "--check*", edge(web, web6)},
		{"before the only change is checked", "--check*", edge(web)},
	} {
		t.Run(test.what, func(t *testing.T) {
			h := newHost(t)
			h.apply(t, edge(web, other))
			h.knock(t)
			handle := func() string {
				return h.exec(t, "sh", "-c", "nft --handle list table inet nft_operator | head -n 1")
			}
			table, before := handle(), h.count(t, web.Address)
			h.fakeNft(t, `case "$*" in `+test.before+`) in_host && [ ! -e /tmp/hand ] && touch /tmp/hand &&
				"$real" 'delete element inet nft_operator services4 { `+other.Address+` . tcp . 80 }; delete element inet nft_operator service_echo4 { `+other.Address+` }';; esac`)
			if got := h.apply(t, test.wanted).Result; got.Action != "elements" {
				t.Errorf("%+v", got)
			}
			if !h.has("/tmp/hand") {
				t.Fatal("nobody took the element")
			}
			if now := handle(); now != table {
				t.Errorf("the table was replaced: %s, was %s", now, table)
			}
			if after := h.count(t, web.Address); after < before || before == 0 {
				t.Errorf("counted %v, then %v", before, after)
			}
			h.assertConverged(t)
		})
	}
}

func TestAFileThatCannotBeWrittenIsToldOf(t *testing.T) {
	h := newHost(t)
	h.exec(t, "sh", "-ec", "rm "+conf+"; mkdir -p "+conf+"/in-the-way")
	got := h.refused(t, edge(web), run{}, ansible.ReasonWriteFailed)
	if !strings.Contains(got.Result.Msg, conf) {
		t.Errorf("message: %s", got.Result.Msg)
	}
	if !strings.Contains(h.kernel(t), web.Address) {
		t.Error("the kernel does not hold what could be loaded")
	}
	h.exec(t, "rm", "-r", conf)
	if got := h.apply(t, edge(web)).Result; got.Action != "files" {
		t.Errorf("the next run: %+v", got)
	}
	h.assertConverged(t)
}

// TestOpeningsCloseOnAFullDisk closes a Service where nothing can be written:
// leaving it open would be worse than a boot that opens it again, which is told of.
func TestOpeningsCloseOnAFullDisk(t *testing.T) {
	h := newHost(t)
	h.apply(t, edge(web, api))
	h.exec(t, "mount", "-t", "tmpfs", "-o", "size=4k", "none", "/var/lib/nft-operator")
	h.exec(t, "sh", "-c", "head -c 4096 /dev/zero > /var/lib/nft-operator/full")
	h.refused(t, edge(api), run{}, ansible.ReasonWriteFailed)
	if strings.Contains(h.kernel(t), web.Address) {
		t.Error("the Service is still open")
	}
	h.exec(t, "umount", "/var/lib/nft-operator")
	if got := h.apply(t, edge(api)).Result; got.Action != "files" {
		t.Errorf("with room again: %+v", got)
	}
	h.assertConverged(t)
}

// fakeNft puts a shell script before the host's nft, to inject a fault. The
// script sees the real one as $real, and in_host tells whether it was called in
// the host's network namespace rather than in a scratch one.
func (h *host) fakeNft(t *testing.T, fault string) {
	t.Helper()
	h.exec(t, "mv", "/usr/sbin/nft", "/usr/sbin/nft.real")
	script := fmt.Sprintf("#!/bin/sh\nreal=/usr/sbin/nft.real\nin_host() { [ \"$(readlink /proc/self/ns/net)\" = '%s' ]; }\n%s\nexec \"$real\" \"$@\"\n",
		strings.TrimSpace(h.exec(t, "readlink", "/proc/self/ns/net")), fault)
	if err := h.ReplaceFile("/usr/sbin/nft", []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
}
