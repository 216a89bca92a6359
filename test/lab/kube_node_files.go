package lab

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
)

// PodImage is what Pods of the lab run, see test/lab/cmd/pod, and what keeps a
// Pod's namespaces. Its program is /pod.
const PodImage = "localhost/nft-operator-lab/pod:1"

// containerd 1.6 writes the score of a Pod's processes for the case that memory
// runs out; lowering it takes a capability that containers of this machine may
// not have. Its own AppArmor profile would stay in the machine's kernel.
const containerdConfiguration = `version = 2
root = "%[1]s/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "%[2]s"
  restrict_oom_score_adj = true
  disable_apparmor = true
  enable_unprivileged_ports = true
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "%[1]s/programs/1"
  conf_dir = "%[1]s/cni"
`

// The kubelet must work in a container, on a machine with either version of
// control groups, and with what is left of the disk. It is asked by the API
// server only, in a network of the lab's.
const kubeletConfiguration = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://%[2]s
cgroupDriver: cgroupfs
cgroupRoot: /%[3]s
failCgroupV1: false
enforceNodeAllocatable: []
localStorageCapacityIsolation: false
failSwapOn: false
evictionHard: {memory.available: "0%%", nodefs.available: "0%%", imagefs.available: "0%%"}
imageGCHighThresholdPercent: 100
podLogsDir: %[1]s/pod-logs
volumePluginDir: %[1]s/volume-plugins
resolvConf: %[1]s/resolv.conf
nodeStatusUpdateFrequency: 2s
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
`

// configure writes the files of the node's programs.
func (n *KubeNode) configure() error {
	network, err := podNetwork()
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"containerd.toml":     fmt.Appendf(nil, containerdConfiguration, nodePrefix, PodImage),
		"kubelet.yaml":        fmt.Appendf(nil, kubeletConfiguration, nodePrefix, containerdSocket, n.cgroup),
		"cni/10-lab.conflist": network,
		"resolv.conf":         nil, // nobody resolves names in the lab
	}
	for _, name := range []string{accountKey, authorityFile} {
		if files[name], err = os.ReadFile(filepath.Join(n.kube.certificates(), name)); err != nil {
			return err
		}
	}
	for name, content := range files {
		if err := n.ReplaceFile(nodePrefix+"/"+name, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// podNetwork is a bridge on the node; its addresses are the Pods' way out.
func podNetwork() ([]byte, error) {
	type object = map[string]any
	var ranges, routes []any
	for _, pods := range PodNetworks {
		ranges = append(ranges, []any{object{"subnet": pods.String()}})
		routes = append(routes, object{"dst": netip.PrefixFrom(unspecified(pods.Addr()), 0).String()})
	}
	return json.Marshal(object{
		"cniVersion": "1.0.0", "name": "lab",
		"plugins": []any{object{
			"type": "bridge", "bridge": "pods", "isGateway": true, "hairpinMode": true,
			"ipam": object{"type": "host-local", "ranges": ranges, "routes": routes, "dataDir": nodePrefix + "/cni-leases"},
		}},
	})
}

func unspecified(like netip.Addr) netip.Addr {
	if like.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}
