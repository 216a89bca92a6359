package lab

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// nodeVariable lists the directories of the node's programs inside of the lab,
// as PATH does.
const nodeVariable = "NFT_OPERATOR_LAB_NODE"

// nodePrograms are what [Topology.StartNode] starts, besides Debian's.
var nodePrograms = fromKubernetes(
	program{"kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"},
	program{"kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"},
	program{"kubelet", "k8s.io/kubernetes/cmd/kubelet"},
	program{"kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy"},
)

// lastDebianProgram appears when all of hack/node-programs.sh are there.
const lastDebianProgram = "loopback"

// EnsureNode returns the directories with the programs of a node: those of
// Kubernetes, built from test/kube, and Debian's containerd, runc and CNI
// plugins, fetched by hack/node-programs.sh. All is made once for each version
// of what makes it, into .cache of the repository. It needs the network, so it
// works outside of the lab.
func EnsureNode(progress io.Writer) ([]string, error) {
	built, err := nodePrograms.ensure(progress)
	if err != nil {
		return nil, err
	}
	fetched, err := ensureDebianPrograms(progress)
	return []string{built, fetched}, err
}

func ensureDebianPrograms(progress io.Writer) (string, error) {
	repository, err := repositoryRoot()
	if err != nil {
		return "", err
	}
	recipe := filepath.Join(repository, "hack", "node-programs.sh")
	text, err := os.ReadFile(recipe)
	if err != nil {
		return "", err
	}
	directory := filepath.Join(cacheDirectory(repository), "node", fmt.Sprintf("%x", sha256.Sum256(text))[:16])
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return "", err
	}
	unlock, err := lockDirectory(directory, progress)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(directory, lastDebianProgram)); err == nil {
		return directory, nil
	}
	_, _ = fmt.Fprintln(progress, "lab: fetching Debian's containerd, runc and CNI plugins, once")
	return directory, runWithProgress(exec.Command(recipe, directory), "fetching them", progress)
}
