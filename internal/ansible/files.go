package ansible

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Names of the files of a run, in its folder.
const (
	InventoryFile  = "inventory.yml"
	VarsFile       = "vars.json"
	SSHConfigFile  = "ssh_config"
	KnownHostsFile = "known_hosts"
	identityFile   = "id"
	resultsFile    = "results.jsonl"
)

// WriteFiles writes inventory, extra-vars, ssh_config and known_hosts of a run
// into dir, which must exist and be private. identity is the path of the
// private key that ssh_config refers to, or empty; the key itself is not written.
func WriteFiles(dir string, run Run, identity string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	inventory, err := inventoryYAML(run, filepath.Join(dir, SSHConfigFile))
	if err != nil {
		return fmt.Errorf("inventory: %w", err)
	}
	vars, err := json.Marshal(run.Vars)
	if err != nil {
		return fmt.Errorf("extra-vars: %w", err)
	}
	files := map[string][]byte{
		InventoryFile:  inventory,
		VarsFile:       append(vars, '\n'),
		SSHConfigFile:  []byte(sshConfig(run, filepath.Join(dir, KnownHostsFile), identity)),
		KnownHostsFile: []byte(run.Access.KnownHosts.text),
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
