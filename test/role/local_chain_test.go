package role_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

// theirs is an administrator's file with a rule that drops a port, and a set.
func theirs(port int) string {
	return fmt.Sprintf("set theirs { type ipv4_addr; elements = { 198.51.100.66 }; }\nchain local-chain {\n\ttcp dport %d ip saddr @theirs drop\n}\n", port)
}

func TestTheLocalChainIsTakenUpAndNeverTouched(t *testing.T) {
	h := newHost(t)
	if got := h.apply(t, edge(web)).Result.LocalChain; got.State != "Created" {
		t.Fatalf("%+v", got)
	}
	for _, port := range []int{7001, 7002} {
		h.put(t, theirChain, theirs(port))
		if got := h.apply(t, edge(web)).Result; !got.Changed || got.LocalChain.State != "Accepted" {
			t.Errorf("%+v", got)
		}
		if !strings.Contains(h.ours(t), fmt.Sprint(port)) {
			t.Errorf("the rule on port %d is not in force", port)
		}
		h.assertConverged(t)
	}
	if got := h.apply(t, edge(web, api)).Result; got.Action != "elements" { // the set of their own is left alone
		t.Errorf("%+v", got)
	}
	if h.file(t, theirChain) != theirs(7002) {
		t.Error("the administrator's file is another")
	}
	h.exec(t, "rm", theirChain)
	if got := h.apply(t, edge(web)).Result; got.LocalChain.State != "Created" || strings.Contains(h.ours(t), "7002") {
		t.Errorf("without their file: %+v", got)
	}
}

// TestTheAncestorsLocalChainIsTakenOver: its file is in the same place, has the
// same chain in it, and nothing needs to be changed.
func TestTheAncestorsLocalChainIsTakenOver(t *testing.T) {
	h := newHost(t)
	const ancestors = "#!/usr/sbin/nft -f\n\n\n        chain local-chain {\n# edit me\n\t\tip saddr 198.51.100.100  counter accept\n\n        }\n"
	h.put(t, theirChain, ancestors)
	if got := h.apply(t, edge(web)).Result; got.LocalChain.State != "Accepted" {
		t.Errorf("%+v", got.LocalChain)
	}
	if !strings.Contains(h.ours(t), "198.51.100.100") {
		t.Errorf("the rule is not in force:\n%s", h.ours(t))
	}
	if h.file(t, theirChain) != ancestors {
		t.Error("the file is another")
	}
	h.assertConverged(t)
}

// TestALocalChainThatDropsAllIsTold: it is the administrator's right, and seldom
// what was meant.
func TestALocalChainThatDropsAllIsTold(t *testing.T) {
	h := newHost(t)
	for rules, want := range map[string]bool{
		"":                                    false,
		"ip saddr 198.51.100.66 drop":         false,
		"tcp dport 22 accept\n\tcounter drop": true,
		"counter\n\tlog drop":                 true,
		"reject with icmpx admin-prohibited":  true,
		"accept\n\tdrop":                      false,
		"return\n\tdrop":                      false,
	} {
		h.put(t, theirChain, "chain local-chain {\n\t"+rules+"\n}\n")
		if got := h.apply(t, edge(web)).Result.LocalChain; got.State != "Accepted" || got.DropsAll != want {
			t.Errorf("%q: %+v", rules, got)
		}
	}
}

// TestABrokenLocalChainHarmsNothingElse breaks the file in one way after the
// other. The Service that is new each time opens, and the last good file stays
// in force, at boot too.
func TestABrokenLocalChainHarmsNothingElse(t *testing.T) {
	h := newHost(t)
	h.put(t, theirChain, theirs(7001))
	h.apply(t, edge(web))

	for i, broken := range []struct {
		name    string
		command string // makes what is then at $1
		line    int
		says    string
	}{
		{"a syntax error", `printf 'chain local-chain {\n\n\ttcp dport oops-\n}\n' > $1`, 3, theirChain + ":3:"},
		{"a set that is not there", `printf 'chain local-chain {\n\tip saddr @nowhere drop\n}\n' > $1`, 2, theirChain + ":2:"},
		{"a brace too few", `printf 'chain local-chain {\n\taccept\n' > $1`, 2, "brace"},
		{"a brace too many", `printf 'chain local-chain {\n\taccept\n}\n}\n' > $1`, 0, theirChain},
		{"an interface by number", `printf 'chain local-chain {\n\tiif eth0 accept\n}\n' > $1`, 2, theirChain + ":2:"},
		{"a rule in a chain of ours", `printf 'chain input {\n\taccept\n}\n' > $1`, 0, "input"},
		{"an element in a set of ours", `printf 'set management4 {\n\telements = { 0.0.0.0/0 }\n}\n' > $1`, 0, "management4"},
		{"a hook where SSH could be closed", `printf 'chain theirs {\n\ttype filter hook input priority -10; policy drop;\n}\n' > $1`, 0, "input"},
		{"another table", `printf 'chain local-chain { }\n}\ntable ip theirs { }\ntable inet nft_operator {\n' > $1`, 0, "theirs"},
		{"a folder", `mkdir $1`, 0, "not a regular file"},
		{"a pipe", `mkfifo $1`, 0, "not a regular file"},
		{"a link", `ln -s /etc/hostname $1`, 0, "symbolic link"},
		{"bytes", `head -c 100 /dev/zero > $1`, 0, "not a text file"},
	} {
		t.Run(broken.name, func(t *testing.T) {
			h.exec(t, "sh", "-ec", "rm -rf $1; "+broken.command, "break", theirChain)
			added := open("shop/new", fmt.Sprintf("203.0.113.%d", 100+i), 443)
			got := h.apply(t, edge(web, added)).Result
			if chain := got.LocalChain; chain.State != ansible.LocalChainBroken || !strings.Contains(chain.Message, broken.says) || chain.Line != broken.line && broken.line != 0 {
				t.Errorf("%+v", chain)
			}
			now := h.ours(t)
			if !strings.Contains(now, added.Address) || !strings.Contains(now, "7001") {
				t.Errorf("in force:\n%s", now)
			}
			h.assertConverged(t)
		})
	}
	h.exec(t, "rm", "-rf", theirChain)
	h.put(t, theirChain, theirs(7003))
	if got := h.apply(t, edge(web)).Result.LocalChain; got.State != "Accepted" || !strings.Contains(h.ours(t), "7003") {
		t.Errorf("after it was mended: %+v", got)
	}
}

func TestALocalChainThatWasNeverGood(t *testing.T) {
	h := newHost(t)
	h.put(t, theirChain, "chain local-chain { oops }\n")
	if got := h.apply(t, edge(web)).Result.LocalChain; got.State != ansible.LocalChainBroken || got.Line != 1 {
		t.Errorf("%+v", got)
	}
	h.assertConverged(t)
	if got := h.apply(t, edge(web)).Result; got.Changed {
		t.Errorf("a second run: %+v", got)
	}
}

func TestABootWithoutTheAcceptedLocalChain(t *testing.T) {
	h := newHost(t)
	h.put(t, theirChain, theirs(7001))
	h.apply(t, edge(web))
	h.exec(t, "rm", "-r", "/etc/nft-operator")
	booted := h.booted(t, conf, "nft_operator")
	if !strings.Contains(booted, web.Address) || strings.Contains(booted, "7001") {
		t.Errorf("after a boot:\n%s", booted)
	}
}
