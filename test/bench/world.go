package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// edge is the NftGateway.
const edge = "edge"

// writers is how many clients write at one time.
const writers = 8

// settlePatience is far more than the operator should take to be done with
// anything.
const settlePatience = 10 * time.Minute

// world is the operator as it is shipped, a real API server, and gateways.
type world struct {
	kube     *lab.ControlPlane
	net      *lab.Topology
	api      client.WithWatch
	operator *lab.Operator
	// services are how many there are that stay, and hosts how many gateways the
	// NftGateway names.
	services, hosts int
}

// newWorld has so many gateways in the lab, the first of which are the
// NftGateway's. Where none is, there is no NftGateway yet.
func newWorld(ctx context.Context, gateways, ours int) (*world, error) {
	progress("start the API server, the operator and %d gateways", gateways)
	program, err := lab.BuildProgram("nft-operator")
	if err != nil {
		return nil, err
	}
	w := &world{}
	if w.kube, err = lab.StartControlPlane(); err != nil {
		return nil, err
	}
	if w.net, err = lab.NewTopology(lab.Layout{Gateways: gateways}); err != nil {
		return nil, err
	}
	config := rest.CopyConfig(w.kube.Config)
	config.QPS = -1
	administrator, err := w.kube.Client()
	if err != nil {
		return nil, err
	}
	if w.api, err = client.NewWithWatch(config, client.Options{Scheme: administrator.Scheme()}); err != nil {
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
	} {
		if err := w.api.Create(ctx, object); err != nil {
			return nil, err
		}
	}
	if ours == 0 {
		return w, nil
	}
	return w, w.useHosts(ctx, ours)
}

// useHosts has the NftGateway name so many gateways.
func (w *world) useHosts(ctx context.Context, hosts int) error {
	intended := lab.NewEdge(edge, w.net.Gateways[:hosts]...)
	first := w.hosts == 0
	w.hosts = hosts
	if first {
		if err := w.api.Create(ctx, intended); err != nil {
			return err
		}
		return w.settle(ctx)
	}
	var gateway v1alpha1.NftGateway
	if err := w.api.Get(ctx, types.NamespacedName{Namespace: lab.OperatorNamespace, Name: edge}, &gateway); err != nil {
		return err
	}
	base := gateway.DeepCopy()
	gateway.Spec = intended.Spec
	if err := w.api.Patch(ctx, &gateway, client.MergeFrom(base)); err != nil {
		return err
	}
	return w.settle(ctx)
}

// fill has so many Services that nobody uses.
func (w *world) fill(ctx context.Context, services int) error {
	progress("have %d Services", services)
	var made []*corev1.Service
	for ; w.services < services; w.services++ {
		made = append(made, otherService(w.services))
	}
	if _, err := w.create(ctx, made); err != nil || w.hosts == 0 {
		return err
	}
	return w.settle(ctx)
}

// create creates Services with their addresses as fast as the API server takes
// them, and tells when the last of them was written.
func (w *world) create(ctx context.Context, services []*corev1.Service) (last time.Time, err error) {
	work := make(chan *corev1.Service, len(services))
	for _, service := range services {
		work <- service
	}
	close(work)
	failures := make([]error, writers)
	var group sync.WaitGroup
	for i := range failures {
		group.Go(func() {
			for service := range work {
				failures[i] = errors.Join(failures[i], w.createOne(ctx, service))
			}
		})
	}
	group.Wait()
	return time.Now(), errors.Join(failures...)
}

func (w *world) createOne(ctx context.Context, service *corev1.Service) error {
	status := service.Status
	if err := w.api.Create(ctx, service); err != nil {
		return err
	}
	service.Status = status
	return w.assign(ctx, service)
}

// assign gives a Service that is there the addresses that it has in memory.
func (w *world) assign(ctx context.Context, service *corev1.Service) error {
	patched := service.DeepCopy()
	return w.api.Status().Patch(ctx, patched, client.MergeFrom(&corev1.Service{ObjectMeta: service.ObjectMeta, Spec: service.Spec}))
}

// settle waits until the operator has nothing left to do: everything is
// programmed, and nobody works.
func (w *world) settle(ctx context.Context) error {
	deadline := time.Now().Add(settlePatience)
	for calm := 0; calm < 3; {
		complaint := w.restless(ctx)
		switch {
		case complaint == nil:
			calm++
		case time.Now().After(deadline):
			return fmt.Errorf("after %s still: %w; the operator's log ends with:\n%s", settlePatience, complaint, w.logEnd())
		default:
			calm = 0
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, duration time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(duration):
		return nil
	}
}

func (w *world) logEnd() string {
	log := w.operator.Log()
	return log[max(0, len(log)-2000):]
}

// restless says what the operator still has to do.
func (w *world) restless(ctx context.Context) error {
	if err := w.busy(); err != nil {
		return err
	}
	var gateway v1alpha1.NftGateway
	if err := w.api.Get(ctx, types.NamespacedName{Namespace: lab.OperatorNamespace, Name: edge}, &gateway); err != nil {
		return err
	}
	condition := apimeta.FindStatusCondition(gateway.Status.Conditions, v1alpha1.ConditionProgrammed)
	if condition == nil || condition.Status != metav1.ConditionTrue || condition.ObservedGeneration != gateway.Generation {
		return fmt.Errorf("the NftGateway is not programmed: %+v", condition)
	}
	if gateway.Status.OpenServices != int32(w.services) {
		return fmt.Errorf("%d of %d Services are open", gateway.Status.OpenServices, w.services)
	}
	return nil
}

// busy says what the operator works on just now.
func (w *world) busy() error {
	for _, name := range []string{"workqueue_depth", "controller_runtime_active_workers"} {
		number, err := w.operator.Metric(name)
		if err != nil {
			return err
		}
		if number > 0 {
			return fmt.Errorf("%s is %.0f", name, number)
		}
	}
	return nil
}

// idle waits until nothing is worked on.
func (w *world) idle(ctx context.Context) error {
	deadline := time.Now().Add(settlePatience)
	for {
		err := w.busy()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}
