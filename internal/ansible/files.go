package ansible

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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
		if err := writeAnew(filepath.Join(dir, name), content); err != nil {
			return err
		}
	}
	return nil
}

// writeAnew writes a private file, whatever was there before: neither the mode
// nor the target of a link that somebody else put there counts.
func writeAnew(path string, content []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Close())
}
