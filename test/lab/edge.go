package lab

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

// SSHSecret is the name of the Secret that [NewEdge] logs in with.
const SSHSecret = "gateway-ssh"

// Client speaks to the API server as the administrator, about Services and the
// product's own kinds.
func (c *ControlPlane) Client() (client.Client, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	config := rest.CopyConfig(c.Config)
	config.WarningHandler = rest.NoWarnings{} // of dual-stack addresses that the tests mean
	return client.New(config, client.Options{Scheme: scheme})
}

// NewSSHSecret is a Secret as an NftGateway wants it.
func NewSSHSecret(name string, privateKey []byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: OperatorNamespace, Name: name},
		Type:       corev1.SecretTypeSSHAuth,
		Data:       map[string][]byte{corev1.SSHAuthPrivateKey: privateKey},
	}
}

// NewEdge is an NftGateway of some of the lab's hosts, as a newcomer would write
// it.
func NewEdge(name string, hosts ...*Gateway) *v1alpha1.NftGateway {
	gateway := &v1alpha1.NftGateway{
		ObjectMeta: metav1.ObjectMeta{Namespace: OperatorNamespace, Name: name},
		Spec: v1alpha1.NftGatewaySpec{
			PublicInterfaces: []v1alpha1.InterfaceName{PublicInterface},
			SSH: v1alpha1.SSH{
				User:                  User,
				PrivateKeySecretRef:   v1alpha1.SecretReference{Name: SSHSecret},
				ConnectTimeoutSeconds: 2, // less than a neighbour takes to be found missing
			},
		},
	}
	for _, network := range LoadBalancerNetworks {
		gateway.Spec.Services.AllowedCIDRs = append(gateway.Spec.Services.AllowedCIDRs, v1alpha1.CIDR(network.String()))
	}
	for _, host := range hosts {
		gateway.Spec.Hosts = append(gateway.Spec.Hosts, v1alpha1.GatewayHost{
			Name: host.Name, Address: v1alpha1.HostAddress(host.Cluster.IPv4.String()),
		})
		gateway.Spec.SSH.KnownHosts += host.KnownHostsLine() + "\n"
	}
	return gateway
}
