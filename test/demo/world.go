package main

import (
	"context"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// world is where the story happens.
type world struct {
	kube    *lab.ControlPlane
	net     *lab.Topology
	node    *lab.KubeNode
	api     client.Client
	clients kubernetes.Interface
}

// Names of the story's objects.
const (
	edge      = "edge" // the NftGateway
	secret    = "gateway-ssh"
	namespace = "shop" // of the Services
	podName   = "everything"
)

// behindServices are the labels of the Pod, podPorts where it answers.
var (
	behindServices = map[string]string{"app": podName}
	podPorts       = []string{"tcp/80", "tcp/443", "tcp/8080", "udp/53"}
)

// pools are what Services without an address of their own get one from; the
// story's own addresses lie below.
var pools = []netip.Prefix{netip.MustParsePrefix("203.0.113.128/25"), netip.MustParsePrefix("2001:db8:1b::1:0/112")}

// newWorld builds everything but the operator.
func newWorld(ctx context.Context, t *teller) (*world, error) {
	t.line("%s", t.paint(bold, "Building a small world, in namespaces of its own"))
	w := &world{}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"two gateways with an sshd each, a client, a node", func() (err error) {
			w.net, err = lab.NewTopology(lab.Layout{Gateways: 2})
			return err
		}},
		{"etcd and kube-apiserver", func() (err error) {
			w.kube, err = lab.StartControlPlane()
			return err
		}},
		{"a stand-in for MetalLB, which gives Services their addresses", func() error { return w.connect(ctx) }},
		{"Kubernetes on the node: containerd, kubelet, kube-proxy", func() (err error) {
			w.node, err = w.net.StartNode(ctx, w.kube)
			return err
		}},
		{"a Pod that answers, for the Services of the story", func() error { return w.startPod(ctx) }},
		{"the image of nft-operator, for the node", func() error { return w.node.Import(ctx, shipped.image) }},
	} {
		if err := t.step(step.what, step.do); err != nil {
			return nil, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return w, nil
}

// connect makes clients of the API server, and what the story needs there.
func (w *world) connect(ctx context.Context) (err error) {
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return err
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	if w.api, err = client.New(w.kube.Config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	if w.clients, err = kubernetes.NewForConfig(w.kube.Config); err != nil {
		return err
	}
	if err := w.api.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return err
	}
	return w.kube.AssignFromPools(ctx, pools...)
}

// startPod starts the Pod behind every Service of the story.
func (w *world) startPod(ctx context.Context) error {
	deployment := lab.NewPodDeployment(namespace, podName, behindServices, podPorts...)
	if _, err := w.clients.AppsV1().Deployments(namespace).Create(ctx, deployment, metav1.CreateOptions{}); err != nil {
		return err
	}
	return w.rolledOut(ctx, namespace, podName)
}

// install does what docs/install.md tells newcomers to do.
func (w *world) install(ctx context.Context) error {
	if _, err := w.kube.Kubectl(ctx, "apply", "--server-side", "--filename", shipped.manifests); err != nil {
		return err
	}
	return w.rolledOut(ctx, lab.OperatorNamespace, "nft-operator")
}

func (w *world) rolledOut(ctx context.Context, namespace, deployment string) error {
	_, err := w.kube.Kubectl(ctx, "--namespace", namespace, "rollout", "status", "--timeout", patience.String(), "deployment/"+deployment)
	return err
}

// operatorLog is what both Pods of the operator printed.
func (w *world) operatorLog(ctx context.Context) string {
	log, err := w.kube.Kubectl(ctx, "--namespace", lab.OperatorNamespace, "logs", "--selector", "app.kubernetes.io/name=nft-operator", "--tail", "-1")
	if err != nil {
		return err.Error()
	}
	return log
}

// createEdge hands both gateways to the operator, as a newcomer would.
func (w *world) createEdge(ctx context.Context) error {
	if err := w.api.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: secret},
		Type:       corev1.SecretTypeSSHAuth,
		Data:       map[string][]byte{corev1.SSHAuthPrivateKey: w.net.Key.Private},
	}); err != nil {
		return err
	}
	gateway := &v1alpha1.NftGateway{
		ObjectMeta: metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: edge},
		Spec: v1alpha1.NftGatewaySpec{
			PublicInterfaces: []v1alpha1.InterfaceName{lab.PublicInterface},
			SSH:              v1alpha1.SSH{User: lab.User, PrivateKeySecretRef: v1alpha1.SecretReference{Name: secret}},
		},
	}
	for _, network := range lab.LoadBalancerNetworks {
		gateway.Spec.Services.AllowedCIDRs = append(gateway.Spec.Services.AllowedCIDRs, v1alpha1.CIDR(network.String()))
	}
	for _, host := range w.net.Gateways {
		gateway.Spec.Hosts = append(gateway.Spec.Hosts, v1alpha1.GatewayHost{
			Name: host.Name, Address: v1alpha1.HostAddress(host.Cluster.IPv4.String()),
		})
		gateway.Spec.SSH.KnownHosts += host.KnownHostsLine() + "\n"
	}
	return w.api.Create(ctx, gateway)
}
