package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// The kubeconfig is the only file that the demo leaves where programs outside of
// the lab see it. It lies in a folder of its own, whose name the process
// outside hands to the one inside in this variable.
const outsideVariable = "NFT_OPERATOR_DEMO_OUTSIDE"

// outsideParent is not TMPDIR, which may be private to the lab.
const outsideParent = "/tmp"

// lifeline is the end of a pipe: when the process outside is gone, however it
// went, the other end takes the folder away.
type lifeline struct{ end any }

// hold keeps the garbage collector from closing the pipe.
func (l lifeline) hold() { runtime.KeepAlive(l.end) }

// openOutside makes the folder, in the process outside.
func openOutside() (lifeline, error) {
	folder, err := os.MkdirTemp(outsideParent, "nft-operator-demo-")
	if err != nil {
		return lifeline{}, fmt.Errorf("make a folder for the kubeconfig: %w", err)
	}
	undertaker := exec.Command("sh", "-c", `cat; rm -rf -- "$1"`, "sh", folder)
	// Neither Ctrl-C nor the end of the terminal reaches it.
	undertaker.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	end, err := undertaker.StdinPipe()
	if err == nil {
		err = undertaker.Start()
	}
	if err != nil {
		return lifeline{}, fmt.Errorf("watch over %s: %w", folder, err)
	}
	return lifeline{end}, os.Setenv(outsideVariable, folder)
}

// outsideKubeconfig is where the kubeconfig for programs outside lies.
func outsideKubeconfig() string { return filepath.Join(os.Getenv(outsideVariable), "kubeconfig") }

// giveOutside makes the folder the property of who called sudo.
func giveOutside() error {
	uid, err := strconv.Atoi(os.Getenv("SUDO_UID"))
	if err != nil {
		return nil //nolint:nilerr // not called by sudo
	}
	gid, err := strconv.Atoi(os.Getenv("SUDO_GID"))
	if err != nil {
		return err
	}
	for _, path := range []string{os.Getenv(outsideVariable), outsideKubeconfig()} {
		if err := os.Lchown(path, uid, gid); err != nil {
			return err
		}
	}
	return nil
}

// closeOutside takes the folder away before the program says that all is gone.
func closeOutside() { _ = os.RemoveAll(os.Getenv(outsideVariable)) }
