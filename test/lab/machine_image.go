package lab

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// machineVariable names the directory of the machine's image inside of the lab.
const machineVariable = "NFT_OPERATOR_LAB_MACHINE"

// Files of a machine's image, as hack/machine-image.sh makes them. The disk is
// the last one.
const (
	machineKernel = "kernel"
	machineInitrd = "initrd"
	machineDisk   = "disk"
)

// EnsureMachineImage returns the directory of the virtual machine's image. It is
// made by hack/machine-image.sh, once for each version of that recipe, in
// .cache/vm of the repository. It needs the network, so it works outside of the
// lab.
func EnsureMachineImage(progress io.Writer) (string, error) {
	repository, err := repositoryRoot()
	if err != nil {
		return "", err
	}
	recipe := filepath.Join(repository, "hack", "machine-image.sh")
	text, err := os.ReadFile(recipe)
	if err != nil {
		return "", err
	}
	directory := filepath.Join(cacheDirectory(repository), "vm", fmt.Sprintf("%x", sha256.Sum256(text))[:16])
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return "", err
	}
	unlock, err := lockDirectory(directory, progress)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(directory, machineDisk)); err == nil {
		return directory, nil
	}
	_, _ = fmt.Fprintln(progress, "lab: making the image of a Debian 12 machine, once; it takes about a minute")
	return directory, runWithProgress(exec.Command(recipe, directory), "making the machine's image", progress)
}
