package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

const (
	// edge is the NftGateway that all tests share, with both gateways.
	edge = "edge"
	// shop is the namespace of Services and the Pods behind them.
	shop = "shop"

	// patience is for a busy machine; what is awaited takes seconds.
	patience     = 2 * time.Minute
	pollInterval = 50 * time.Millisecond
	answerWithin = 5 * time.Second
)

// world is a cluster with one node and two gateways before it.
type world struct {
	kube    *lab.ControlPlane
	net     *lab.Topology
	node    *lab.KubeNode
	api     client.Client
	clients kubernetes.Interface
}

func newWorld(ctx context.Context) (*world, error) {
	w := &world{}
	var err error
	if w.net, err = lab.NewTopology(lab.Layout{Gateways: 2}); err != nil {
		return nil, err
	}
	if w.kube, err = lab.StartControlPlane(); err != nil {
		return nil, err
	}
	if w.api, err = w.kube.Client(); err != nil {
		return nil, err
	}
	if w.clients, err = kubernetes.NewForConfig(w.kube.Config); err != nil {
		return nil, err
	}
	if err := w.kube.AssignFromPools(ctx); err != nil {
		return nil, err
	}
	if w.node, err = w.net.StartNode(ctx, w.kube); err != nil {
		return nil, err
	}
	if err := w.node.Import(ctx, *archive); err != nil {
		return nil, err
	}
	return w, w.api.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: shop}})
}

// installed makes sure that the operator runs, as users install it, and that
// both gateways are in its hands.
func installed(t *testing.T) {
	t.Helper()
	t.Cleanup(func() { tellOfFailure(t) })
	kubectl(t, "apply", "--server-side", "--filename", *install)
	kubectl(t, namespaced("rollout", "status", "--timeout", patience.String(), "deployment/nft-operator")...)
	takeGateways(t)
}

// takeGateways puts both gateways into the hands of the operator.
func takeGateways(t *testing.T) {
	t.Helper()
	for _, object := range []client.Object{lab.NewSSHSecret(lab.SSHSecret, the.net.Key.Private), lab.NewEdge(edge, the.net.Gateways...)} {
		must(t, client.IgnoreAlreadyExists(the.api.Create(t.Context(), object)))
	}
	awaitEdge(t)
}

// tellOfFailure logs what there is to be known where a test failed.
func tellOfFailure(t *testing.T) {
	t.Helper()
	if !t.Failed() {
		return
	}
	for _, arguments := range [][]string{
		{"get", "pods,services,endpointslices", "--all-namespaces", "--output", "wide"},
		namespaced("logs", "--selector", "app.kubernetes.io/name=nft-operator", "--prefix", "--tail", "20"),
	} {
		output, _ := the.kube.Kubectl(context.Background(), arguments...)
		t.Log(output)
	}
	for _, program := range []string{"kubelet", "kube-proxy"} {
		lines := strings.Split(the.node.Log(program), "\n")
		t.Logf("%s:\n%s", program, strings.Join(lines[max(0, len(lines)-20):], "\n"))
	}
}

// awaitEdge awaits that both gateways enforce the NftGateway as it is now.
func awaitEdge(t *testing.T) {
	t.Helper()
	await(t, "NftGateway edge is programmed", func(ctx context.Context) error {
		var gateway v1alpha1.NftGateway
		if err := the.api.Get(ctx, client.ObjectKey{Namespace: lab.OperatorNamespace, Name: edge}, &gateway); err != nil {
			return err
		}
		return isTrue(gateway.Status.Conditions, v1alpha1.ConditionProgrammed, gateway.Generation)
	})
}

// serve runs a Deployment of one Pod in the shop that answers at ports such as
// tcp/80, with a Service of the same name before it at addresses separated by
// commas, and awaits that it is open.
func serve(t *testing.T, name, addresses string, ports ...string) {
	t.Helper()
	pods := map[string]string{"app": name}
	deployment := lab.NewPodDeployment(shop, name, pods, ports...)
	_, err := the.clients.AppsV1().Deployments(shop).Create(t.Context(), deployment, metav1.CreateOptions{})
	must(t, err)
	service := lab.NewPodService(shop, name, addresses, pods, ports...)
	must(t, the.api.Create(t.Context(), service))
	t.Cleanup(func() {
		ctx := context.Background() // the test's has ended
		_ = the.clients.AppsV1().Deployments(shop).Delete(ctx, name, metav1.DeleteOptions{})
		must(t, the.api.Delete(ctx, service))
	})
	kubectl(t, "--namespace", shop, "rollout", "status", "--timeout", patience.String(), "deployment/"+name)
	await(t, "Service "+name+" is open", func(ctx context.Context) error {
		if err := the.api.Get(ctx, client.ObjectKeyFromObject(service), service); err != nil {
			return err
		}
		return isTrue(service.Status.Conditions, v1alpha1.ServiceConditionProgrammed, service.Generation)
	})
	for address := range strings.SplitSeq(addresses, ",") {
		await(t, "kube-proxy leads "+address+" to the Pod", func(context.Context) error {
			return knock(ports[0], address)
		})
	}
}

// knock is nil where a Pod answers the client at an address and a port such as
// tcp/80.
func knock(port, address string) error {
	protocol, number, _ := strings.Cut(port, "/")
	to := netip.MustParseAddrPort(net.JoinHostPort(address, number))
	return the.net.Client.Knock(lab.Protocol(protocol), the.net.Client.Primary.Like(to.Addr()), to, answerWithin)
}

func isTrue(conditions []metav1.Condition, kind string, generation int64) error {
	condition := apimeta.FindStatusCondition(conditions, kind)
	switch {
	case condition == nil:
		return errors.New("nothing is reported")
	case condition.Status != metav1.ConditionTrue || condition.ObservedGeneration != generation:
		return fmt.Errorf("%s is %s of generation %d, %s: %s", kind, condition.Status, condition.ObservedGeneration, condition.Reason, condition.Message)
	}
	return nil
}

func await(t *testing.T, what string, ask func(context.Context) error) {
	t.Helper()
	var complaint error
	err := wait.PollUntilContextTimeout(t.Context(), pollInterval, patience, true, func(context.Context) (bool, error) {
		complaint = ask(t.Context()) // the other would end in the midst of an answer, and be the complaint
		return complaint == nil, nil
	})
	if err != nil {
		t.Fatalf("%s: %v: %v", what, err, complaint)
	}
}

func kubectl(t *testing.T, arguments ...string) string {
	t.Helper()
	output, err := the.kube.Kubectl(t.Context(), arguments...)
	must(t, err)
	return output
}

// namespaced are kubectl's arguments for objects in the operator's namespace.
func namespaced(arguments ...string) []string {
	return slices.Concat([]string{"--namespace", lab.OperatorNamespace}, arguments)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
