// Package e2e shows the whole of nft-operator on real parts: the operator's
// own binary with its ServiceAccount's rights, a real API server, gateways
// with real sshd, nft and kernel, and real packets through them.
package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// world is what all tests of this package share, because it takes seconds to
// build: each test has a Kubernetes namespace and addresses of its own in it.
type world struct {
	kube     *lab.ControlPlane
	net      *lab.Topology
	api      client.Client
	operator *lab.Operator
	program  string
}

var the *world

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{ControlPlane: true})
	var err error
	if the, err = newWorld(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func newWorld(ctx context.Context) (*world, error) {
	w := &world{}
	var err error
	if w.program, err = lab.BuildProgram("nft-operator"); err != nil {
		return nil, err
	}
	if w.kube, err = lab.StartControlPlane(); err != nil {
		return nil, err
	}
	if w.net, err = lab.NewTopology(lab.Layout{Gateways: 2}); err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	w.kube.Config.WarningHandler = rest.NoWarnings{} // of dual-stack addresses that the tests mean
	if w.api, err = client.New(w.kube.Config, client.Options{Scheme: scheme}); err != nil {
		return nil, err
	}
	if err := w.kube.InstallOperator(ctx); err != nil {
		return nil, err
	}
	if err := w.createEdge(ctx); err != nil {
		return nil, err
	}
	w.operator, err = w.kube.StartOperator(ctx, w.program)
	return w, err
}

// edge is the NftGateway that the tests share, with both gateways.
const edge = "edge"

func (w *world) createEdge(ctx context.Context) error {
	if err := w.api.Create(ctx, secretWith("gateway-ssh", w.net.Key.Private)); err != nil {
		return err
	}
	return w.api.Create(ctx, w.gateway(edge, w.net.Gateways...))
}

// secretWith is a Secret as an NftGateway wants it.
func secretWith(name string, privateKey []byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: name},
		Type:       corev1.SecretTypeSSHAuth,
		Data:       map[string][]byte{corev1.SSHAuthPrivateKey: privateKey},
	}
}

// gateway is an NftGateway of some of the lab's hosts, as a newcomer would write it.
func (w *world) gateway(name string, hosts ...*lab.Gateway) *v1alpha1.NftGateway {
	gateway := &v1alpha1.NftGateway{
		ObjectMeta: metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: name},
		Spec: v1alpha1.NftGatewaySpec{
			PublicInterfaces: []v1alpha1.InterfaceName{lab.PublicInterface},
			SSH: v1alpha1.SSH{
				User:                  lab.User,
				PrivateKeySecretRef:   v1alpha1.SecretReference{Name: "gateway-ssh"},
				ConnectTimeoutSeconds: 2, // less than a neighbour takes to be found missing
			},
			Services: v1alpha1.ServiceSelection{AllowedCIDRs: cidrs(lab.LoadBalancerNetworks)},
		},
	}
	for _, host := range hosts {
		gateway.Spec.Hosts = append(gateway.Spec.Hosts, v1alpha1.GatewayHost{
			Name: host.Name, Address: v1alpha1.HostAddress(host.Cluster.IPv4.String()),
		})
		gateway.Spec.SSH.KnownHosts += host.KnownHostsLine() + "\n"
	}
	return gateway
}

func cidrs(prefixes []netip.Prefix) []v1alpha1.CIDR {
	var texts []v1alpha1.CIDR
	for _, prefix := range prefixes {
		texts = append(texts, v1alpha1.CIDR(prefix.String()))
	}
	return texts
}
