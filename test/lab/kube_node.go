package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// KubeNode is the cluster's node with a kubelet, containerd and kube-proxy on
// it, and beside it what a cluster with Pods needs: the controllers and the
// scheduler. Its processes and files are its own; the network is that of
// [Topology.Node].
type KubeNode struct {
	*Box
	kube   *ControlPlane
	cgroup string
}

// NodeName is what Kubernetes calls the node.
const NodeName = "node"

const (
	// containerdWithin and nodeWithin are for a busy machine; an idle one takes
	// one second and ten.
	containerdWithin = 60 * time.Second
	nodeWithin       = 120 * time.Second

	nodePrefix = "/run/lab" // all that the node's programs need and write
	nodePath   = nodePrefix + "/programs/0:" + nodePrefix + "/programs/1:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

	containerdSocket = "/run/containerd/containerd.sock"
)

// StartNode makes the node one of Kubernetes, and returns when Pods can be
// scheduled on it. [Isolation.Node] must have been set.
//
// kube-proxy then answers for every Service with an address of the load balancer
// networks; [Namespace.Serve] on the node still does for all others.
func (t *Topology) StartNode(ctx context.Context, kube *ControlPlane) (*KubeNode, error) {
	n := &KubeNode{kube: kube, cgroup: os.Getenv(cgroupVariable)}
	if n.cgroup == "" {
		return nil, errors.New("start the node: its programs are not there; set Isolation.Node")
	}
	seen := binds{cgroupRoot: cgroupRoot, "/dev/kmsg": "/dev/kmsg"}
	for i, directory := range filepath.SplitList(os.Getenv(nodeVariable)) {
		seen[fmt.Sprintf("%s/programs/%d", nodePrefix, i)] = directory
	}
	n.Box = &Box{Namespace: t.Node.Namespace, Cluster: t.Node.Addresses, key: t.Key, binds: seen}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"boot", func(context.Context) error { return n.boot() }},
		{"route between Pods and others", func(context.Context) error { return n.route() }},
		{"configure", func(context.Context) error { return n.configure() }},
		{"start containerd", n.startContainerd},
		{"import the image of the lab's Pods", n.importPodImage},
		{"start Kubernetes", func(context.Context) error { return n.startKubernetes() }},
		{"wait for the node", n.awaitReady},
	} {
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("start the node: %s: %w", step.what, err)
		}
	}
	return n, nil
}

// route lets packets from and to Pods pass. Pods speak with the node's address
// to all but those who began, as in most clusters.
func (n *KubeNode) route() error {
	for _, name := range []string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"} {
		if err := n.Sysctl(name, "1"); err != nil {
			return err
		}
	}
	var rules strings.Builder
	for _, pods := range PodNetworks {
		family := map[bool]string{true: "ip", false: "ip6"}[pods.Addr().Is4()]
		fmt.Fprintf(&rules, "\t\t%s saddr %s oifname eth0 masquerade\n", family, pods)
	}
	return n.Nft("table inet lab_pods {\n\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat;\n" + rules.String() + "\t}\n}\n")
}

// startKubernetes starts the programs; each of them waits for what it needs.
func (n *KubeNode) startKubernetes() error {
	for _, program := range []struct {
		user      string
		groups    []string
		name      string
		arguments []string
	}{
		{user: "system:kube-controller-manager", name: "kube-controller-manager", arguments: []string{
			"--leader-elect=false", "--use-service-account-credentials",
			"--service-account-private-key-file=" + nodePrefix + "/" + accountKey, "--root-ca-file=" + nodePrefix + "/" + authorityFile,
		}},
		{user: "system:kube-scheduler", name: "kube-scheduler", arguments: []string{"--leader-elect=false"}},
		{user: "system:node:" + NodeName, groups: []string{"system:nodes"}, name: "kubelet", arguments: []string{
			"--config=" + nodePrefix + "/kubelet.yaml", "--root-dir=" + nodePrefix + "/kubelet", "--cert-dir=" + nodePrefix + "/kubelet-pki",
			"--hostname-override=" + NodeName, "--node-ip=" + n.Cluster.IPv4.String() + "," + n.Cluster.IPv6.String(),
		}},
		{user: "system:kube-proxy", name: "kube-proxy", arguments: []string{
			"--proxy-mode=nftables", "--hostname-override=" + NodeName, "--conntrack-max-per-core=0",
			"--detect-local-mode=ClusterCIDR", "--cluster-cidr=" + commaSeparated(PodNetworks),
		}},
	} {
		_, kubeconfig, err := n.kube.AddUser(program.user, program.groups...)
		if err != nil {
			return err
		}
		kubeconfig = []byte(strings.ReplaceAll(string(kubeconfig), "127.0.0.1", operatorAddresses().IPv4.String()))
		file := nodePrefix + "/" + program.name + ".kubeconfig"
		if err := n.ReplaceFile(file, kubeconfig, 0o600); err != nil {
			return err
		}
		if _, err := n.start(program.name, append(program.arguments, "--kubeconfig="+file)...); err != nil {
			return err
		}
	}
	return nil
}

// start starts a program of the node, and returns a channel that is closed when
// it ends.
func (n *KubeNode) start(name string, arguments ...string) (<-chan struct{}, error) {
	log, err := os.Create(n.logFile(name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	command := n.command(context.Background(), append([]string{"env", "PATH=" + nodePath, name}, arguments...))
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	return ended, nil
}

// run runs a command on the node to its end.
func (n *KubeNode) run(ctx context.Context, command ...string) error {
	output, err := n.command(ctx, append([]string{"env", "PATH=" + nodePath}, command...)).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, output)
	}
	return err
}

func (n *KubeNode) startContainerd(ctx context.Context) error {
	ended, err := n.start("containerd", "--config="+nodePrefix+"/containerd.toml")
	if err != nil {
		return err
	}
	return n.await(ctx, "containerd", containerdWithin, func(ctx context.Context) error {
		select {
		case <-ended:
			return errors.New("it ended")
		default:
			return n.run(ctx, "ctr", "--address="+containerdSocket, "version")
		}
	})
}

func (n *KubeNode) awaitReady(ctx context.Context) error {
	clients, err := kubernetes.NewForConfig(n.kube.Config)
	if err != nil {
		return err
	}
	return n.await(ctx, "kubelet", nodeWithin, func(ctx context.Context) error {
		node, err := clients.CoreV1().Nodes().Get(ctx, NodeName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status != corev1.ConditionTrue {
				return errors.New(condition.Message)
			}
		}
		if len(node.Spec.Taints) > 0 {
			return fmt.Errorf("it has taints: %v", node.Spec.Taints)
		}
		return nil
	})
}

// await waits until there is no complaint; the log of the program that is to
// blame is shown where that takes too long.
func (n *KubeNode) await(ctx context.Context, program string, patience time.Duration, ask func(context.Context) error) error {
	var complaint error
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		complaint = ask(ctx)
		return complaint == nil, nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w; the log of %s ends with:\n%s", err, complaint, program, lastLines(n.Log(program), logLines))
	}
	return nil
}

// Log is what a program of the node printed: containerd, kubelet, kube-proxy,
// kube-scheduler or kube-controller-manager.
func (n *KubeNode) Log(program string) string {
	content, err := os.ReadFile(n.logFile(program))
	if err != nil {
		return err.Error()
	}
	return string(content)
}

func (n *KubeNode) logFile(program string) string {
	return filepath.Join(n.kube.directory, program+".log")
}

// What can be done to the processes of a Pod, without Kubernetes being told.
const (
	Kill   = "kill --all --signal=SIGKILL" // the kubelet starts them again
	Pause  = "pause"                       // they stand still, as on a machine that hangs
	Resume = "resume"
)

// ToContainers does one of them to each container of a Pod.
func (n *KubeNode) ToContainers(ctx context.Context, pod *corev1.Pod, what string) error {
	for _, container := range pod.Status.ContainerStatuses {
		_, id, _ := strings.Cut(container.ContainerID, "://")
		command := []string{"ctr", "--address=" + containerdSocket, "--namespace=k8s.io", "task"}
		if err := n.run(ctx, append(append(command, strings.Fields(what)...), id)...); err != nil {
			return err
		}
	}
	return nil
}
