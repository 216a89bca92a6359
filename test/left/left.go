// Package left puts on a gateway of the lab what an older release left on one,
// for the tests of its successors. testdata/README.md says how that was made.
package left

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/nft-operator/nft-operator/test/lab"
)

// units load what a release limited by tc, at boot: what the interfaces share,
// and one of them.
var units = []string{"nft-operator-limits.service", "nft-operator-limits@.service"}

// ours are the files that a release leaves on a gateway, as a shell has them. The
// lock and a change that waits are of one run.
const ours = "etc/nftables.conf* etc/nftables.d etc/nft-operator etc/systemd/system/nft-operator* etc/systemd/system/*/nft-operator* " +
	"run/nft-operator/fence.json var/lib/nft-operator"

// Take writes what the release of now leaves on the gateway to a folder, as
// those of testdata are. It gives back what [PutOn] puts on.
func Take(gateway *lab.Gateway, folder string) error {
	tree := filepath.Join(folder, "root")
	if err := os.MkdirAll(tree, 0o755); err != nil {
		return err
	}
	files, err := gateway.Command("sh", "-c", "cd / && ls -d "+ours+" 2>/dev/null | tar --create --mode=u+rwX,go+rX --files-from - --file -").Output()
	if err != nil {
		return fmt.Errorf("take the files of %s: %w", gateway.Name, err)
	}
	unpack := exec.Command("tar", "--extract", "--no-same-owner", "--directory", tree, "--file", "-")
	unpack.Stdin = bytes.NewReader(files)
	if output, err := unpack.CombinedOutput(); err != nil {
		return fmt.Errorf("write the files of %s: %w: %s", gateway.Name, err, output)
	}
	ruleset, err := gateway.Exec("nft", "list", "ruleset")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "ruleset.nft"), []byte(ruleset), 0o600)
}

// PutOn makes the gateway one that a release left: with its files, what its nft
// listed, and what its units told tc. The folder is one of testdata.
func PutOn(gateway *lab.Gateway, folder string) error {
	if err := putFiles(gateway, filepath.Join(folder, "root")); err != nil {
		return err
	}
	ruleset, err := os.ReadFile(filepath.Join(folder, "ruleset.nft"))
	if err != nil {
		return err
	}
	if err := gateway.Nft(string(ruleset)); err != nil {
		return err
	}
	for _, unit := range units {
		if err := start(gateway, filepath.Join(folder, "root", "etc", "systemd", "system", unit)); err != nil {
			return fmt.Errorf("%s: %w", unit, err)
		}
	}
	return nil
}

// putFiles copies a tree to the gateway's root, symbolic links as such.
func putFiles(gateway *lab.Gateway, tree string) error {
	files, err := exec.Command("tar", "--create", "--directory", tree, "--file", "-", ".").Output()
	if err != nil {
		return fmt.Errorf("read %s: %w", tree, err)
	}
	unpack := gateway.Command("tar", "--extract", "--no-same-owner", "--no-overwrite-dir", "--directory", "/", "--file", "-")
	unpack.Stdin = bytes.NewReader(files)
	if output, err := unpack.CombinedOutput(); err != nil {
		return fmt.Errorf("put the files of %s on %s: %w: %s", tree, gateway.Name, err, output)
	}
	return nil
}

// start runs the commands of a unit, as systemd does; a release that has no such
// unit told tc nothing.
func start(gateway *lab.Gateway, unit string) error {
	text, err := os.ReadFile(unit)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(strings.ReplaceAll(string(text), "%I", lab.PublicInterface)) {
		key, command, _ := strings.Cut(strings.TrimSpace(line), "=")
		if !strings.HasPrefix(key, "ExecStart") {
			continue
		}
		command, mayFail := strings.CutPrefix(command, "-")
		if _, err := gateway.Exec(strings.Fields(command)...); err != nil && !mayFail {
			return err
		}
	}
	return nil
}
