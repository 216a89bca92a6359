package lab

import "io"

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

// debianPrograms are containerd and what belongs to it.
var debianPrograms = recipe{
	script: "node-programs.sh", cache: "node", last: "loopback", what: "Debian's containerd, runc, CNI plugins and busybox ready",
}

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
	fetched, err := debianPrograms.ensure(progress)
	return []string{built, fetched}, err
}
