package soak

import (
	"context"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// world is the real parts that the soak changes and watches: one gateway is
// enough, because what can be lost is lost at each by itself.
type world struct {
	kube     *lab.ControlPlane
	net      *lab.Topology
	gateway  *lab.Gateway
	api      client.Client
	operator *lab.Operator
	// intent is what the Services now ask for.
	intent *intent
	// firewall is what the NftGateway now says.
	firewall v1alpha1.Firewall
	// ledger is told which doors are closed on purpose.
	ledger *ledger
}

const (
	// edge is the NftGateway.
	edge = "edge"
	// namespace is of all Services.
	namespace = "soak"
)

func newWorld(ctx context.Context) (*world, error) {
	program, err := lab.BuildProgram("nft-operator")
	if err != nil {
		return nil, err
	}
	w := &world{intent: newIntent(), ledger: newLedger()}
	if w.kube, err = lab.StartControlPlane(); err != nil {
		return nil, err
	}
	if w.net, err = lab.NewTopology(lab.Layout{Gateways: 1}); err != nil {
		return nil, err
	}
	w.gateway = w.net.Gateways[0]
	if w.api, err = w.kube.Client(); err != nil {
		return nil, err
	}
	if err := w.kube.InstallOperator(ctx); err != nil {
		return nil, err
	}
	if w.operator, err = w.kube.StartOperator(ctx, program); err != nil {
		return nil, err
	}
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
		lab.NewSSHSecret(lab.SSHSecret, w.net.Key.Private),
		lab.NewEdge(edge, w.gateway),
	} {
		if err := w.api.Create(ctx, object); err != nil {
			return nil, err
		}
	}
	if err := w.serveSteadily(); err != nil {
		return nil, err
	}
	for _, service := range steadyServices() {
		if err := w.create(ctx, service); err != nil {
			return nil, err
		}
	}
	return w, w.settle(ctx)
}

// serveSteadily starts an echo server behind every door that always stays open,
// and one of each family outside, for what the cluster connects to.
func (w *world) serveSteadily() error {
	for _, address := range w.net.Client.Primary.All() {
		if _, err := w.net.Client.Serve(lab.TCP, netip.AddrPortFrom(address, outsidePort)); err != nil {
			return err
		}
	}
	for _, service := range steadyServices() {
		for _, door := range service.doors() {
			if door.protocol == lab.SCTP {
				continue // nobody can serve it; the kernel counts what arrives
			}
			if _, err := w.net.Node.Serve(door.protocol, door.at); err != nil {
				return fmt.Errorf("serve %s: %w", door, err)
			}
		}
	}
	return nil
}
