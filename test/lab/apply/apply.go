// Package apply brings one host of the lab to its Services as the operator
// would, without a cluster: planned by the product, applied by its playbook.
package apply

import (
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/internal/plan"
	"github.com/nft-operator/nft-operator/test/lab"
)

// HostName is what the one host of the NftGateway is called.
const HostName = "gw1"

// Host is a gateway of the lab, or a machine.
type Host interface {
	Sides() (public, cluster lab.Addresses)
	KnownHostsLine() string
}

// OpenRunner makes what runs the playbooks of the repository, two folders above
// the working directory.
func OpenRunner(timeout time.Duration) (ansible.PlaybookRunner, error) {
	repository, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return ansible.PlaybookRunner{}, err
	}
	work, err := ansible.OpenWorkDir(ansible.DefaultWorkDir())
	if err != nil {
		return ansible.PlaybookRunner{}, err
	}
	return ansible.PlaybookRunner{WorkDir: work, ProjectDir: repository, Timeout: timeout}, nil
}

// SpecOf is a spec for the host that allows the lab's load balancer networks.
func SpecOf(host Host) v1alpha1.NftGatewaySpec {
	_, cluster := host.Sides()
	spec := v1alpha1.NftGatewaySpec{
		Hosts:            []v1alpha1.GatewayHost{{Name: HostName, Address: v1alpha1.HostAddress(cluster.IPv4.String())}},
		PublicInterfaces: []v1alpha1.InterfaceName{lab.PublicInterface},
		SSH:              v1alpha1.SSH{User: lab.User},
	}
	for _, network := range lab.LoadBalancerNetworks {
		spec.Services.AllowedCIDRs = append(spec.Services.AllowedCIDRs, v1alpha1.CIDR(network.String()))
	}
	return spec
}

// RunOf is what the operator would run for spec and Services.
func RunOf(runner ansible.PlaybookRunner, host Host, login lab.Key, spec v1alpha1.NftGatewaySpec, services []corev1.Service) (ansible.Run, error) {
	object := &v1alpha1.NftGateway{ObjectMeta: metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: "edge"}, Spec: spec}
	planned, err := plan.ForGateway(object, services, nil)
	if err != nil {
		return ansible.Run{}, err
	}
	wanted, err := planned.ForHost(&spec, spec.Hosts[0])
	if err != nil {
		return ansible.Run{}, err
	}
	key, err := ansible.ParsePrivateKey(login.Private)
	if err != nil {
		return ansible.Run{}, err
	}
	known, err := ansible.ParseKnownHosts(host.KnownHostsLine())
	if err != nil {
		return ansible.Run{}, err
	}
	vars := ansible.VarsOf(planned)
	target := ansible.Target{
		Name: wanted.Name, Address: string(spec.Hosts[0].Address), Port: wanted.SSHPort, SSHDPort: wanted.SSHDPort,
		User: string(spec.SSH.User), PublicInterfaces: wanted.PublicInterfaces,
	}
	target.Revision, target.Structure = ansible.Revision(vars.Digest(), target), ansible.Revision(vars.StructureDigest(), target)
	return ansible.Run{
		Playbook: filepath.Join(runner.ProjectDir, "playbooks", "apply.yml"),
		Targets:  []ansible.Target{target},
		Access:   ansible.Access{PrivateKey: key, KnownHosts: known, Become: true, ConnectTimeoutSeconds: 10},
		Vars:     vars,
	}, nil
}
