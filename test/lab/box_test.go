package lab

import (
	"io/fs"
	"os"
	"strings"
	"testing"
)

func TestBoxHasFilesOfItsOwn(t *testing.T) {
	network := topology(t, 2)
	box, other := network.Gateways[0], network.Gateways[1]
	const path = "/etc/nftables.d/local-chain.nft"
	if err := box.ReplaceFile(path, []byte("# mine\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if content, err := box.ReadFile(path); err != nil || string(content) != "# mine\n" {
		t.Errorf("read back %q, %v", content, err)
	}
	if output, err := box.Exec("stat", "--format=%a %U", path); err != nil || output != "640 root\n" {
		t.Errorf("the file is %s, %v", output, err)
	}
	if _, err := other.ReadFile(path); err == nil {
		t.Error("another box has the file too")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the machine has the file too")
	}
	if err := box.Remove("/etc/nftables.d"); err != nil {
		t.Fatal(err)
	}
	if _, err := box.ReadFile(path); err == nil {
		t.Error("the file is still there")
	}
}

func TestBoxBeginsClean(t *testing.T) {
	box := topology(t, 1).Gateways[0]
	if content, err := box.ReadFile("/etc/nftables.conf"); err != nil || string(content) != stockRuleset {
		t.Errorf("nftables.conf is %q, %v", content, err)
	}
	if ruleset, err := box.Ruleset(); err != nil || ruleset != "" {
		t.Errorf("the kernel has a ruleset: %q, %v", ruleset, err)
	}
	working, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{working, labDirectory, "/etc/nftables.d", "/root/.bashrc"} {
		if output, err := box.Exec("ls", "-d", path); err == nil {
			t.Errorf("the box has %s", output)
		}
	}
	processes, err := box.Exec("sh", "-c", "cat /proc/[0-9]*/comm")
	if err != nil || strings.Contains(processes, "kube-apiserver") {
		t.Errorf("the box sees processes of others: %s, %v", processes, err)
	}
	var mode fs.FileMode = 0o755
	if err := box.ReplaceFile("/usr/local/bin/hello", []byte("#!/bin/sh\nhostname\n"), mode); err != nil {
		t.Fatal(err)
	}
	if output, err := box.Exec("hello"); err != nil || output != box.Name+"\n" {
		t.Errorf("a new command says %s, %v", output, err)
	}
}
