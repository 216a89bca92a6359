package vm_test

import (
	"strings"
	"testing"
)

// theirs is what somebody else's /etc/nftables.conf says.
const theirs = `#!/usr/sbin/nft -f
flush ruleset
table inet office {
	chain forward {
		type filter hook forward priority filter; policy accept;
	}
}
`

func TestFirstApplyKeepsWhatSomebodyElseWrote(t *testing.T) {
	g := newGateway(t)
	must(t, g.ReplaceFile("/etc/nftables.conf", []byte(theirs), 0o755))
	g.expectAllOpen(t) // or what is closed below would prove nothing

	outcome := g.apply(t)

	if outcome.Backup != backup {
		t.Errorf("the backup is reported as %q, want %q", outcome.Backup, backup)
	}
	if kept, err := g.ReadFile(backup); err != nil || string(kept) != theirs {
		t.Errorf("the backup says %q, %v", kept, err)
	}
	ruleset, err := g.Ruleset()
	must(t, err)
	if !strings.Contains(ruleset, "table inet nft_operator {") {
		t.Errorf("the kernel does not have the operator's table:\n%s", ruleset)
	}
	g.expectOnlyWeb(t)

	if again := g.apply(t); again.Changed || again.Action != "none" {
		t.Errorf("a second apply changed something: %+v", again)
	}
}

// backup of the nftables.conf that was there before the operator.
const backup = "/etc/nftables.conf.before-nft-operator"
