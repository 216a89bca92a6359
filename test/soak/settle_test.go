package soak

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

const (
	// settlePatience is for a change to be programmed on a busy machine.
	settlePatience = 60 * time.Second
	pollInterval   = 50 * time.Millisecond
)

// await polls until check has no complaint.
func (w *world) await(ctx context.Context, what string, check func() error) error {
	deadline := time.Now().Add(settlePatience)
	for {
		err := check()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(deadline):
			return fmt.Errorf("%s: after %s still: %w\nthe operator's log ends with:\n%s", what, settlePatience, err, w.endOfLog())
		}
		time.Sleep(pollInterval)
	}
}

func (w *world) endOfLog() string {
	const lines = 15
	all := strings.Split(strings.TrimSpace(w.operator.Log()), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// settle waits until all that was changed so far is programmed. A Service that
// gets a port never used before shows how far the operator has come: whatever
// was written before it is programmed by the same run or an earlier one.
func (w *world) settle(ctx context.Context) error {
	if err := w.moveMarker(ctx); err != nil {
		return err
	}
	if err := w.awaitServices(ctx); err != nil {
		return err
	}
	if err := w.awaitGateway(ctx); err != nil {
		return err
	}
	return w.awaitDoors(ctx)
}

const (
	marker          = "marker"
	firstMarkerPort = 20000
)

func (w *world) moveMarker(ctx context.Context) error {
	current, there := w.intent.services[marker]
	if !there {
		return w.create(ctx, service{name: marker, addresses: pair(markerNumber)[:1], ports: []port{{lab.TCP, firstMarkerPort}}, steady: true})
	}
	current.ports = []port{{lab.TCP, current.ports[0].number + 1}}
	return w.update(ctx, current)
}

// awaitServices waits until every Service that opens something is said to be
// open as it is now.
func (w *world) awaitServices(ctx context.Context) error {
	return w.await(ctx, "every Service to be open", func() error {
		var list corev1.ServiceList
		if err := w.api.List(ctx, &list, client.InNamespace(namespace)); err != nil {
			return err
		}
		for i := range list.Items {
			object := &list.Items[i]
			if len(w.intent.services[object.Name].doors()) == 0 {
				continue // nobody of the family of its addresses may come in
			}
			condition := apimeta.FindStatusCondition(object.Status.Conditions, v1alpha1.ServiceConditionProgrammed)
			if condition == nil || condition.Status != metav1.ConditionTrue || condition.ObservedGeneration != object.Generation {
				return fmt.Errorf("the condition of %s, generation %d, is %+v", object.Name, object.Generation, condition)
			}
		}
		return nil
	})
}

// awaitGateway waits until the host runs what the present NftGateway asks for.
func (w *world) awaitGateway(ctx context.Context) error {
	return w.await(ctx, "the NftGateway to be programmed", func() error {
		var gateway v1alpha1.NftGateway
		if err := w.api.Get(ctx, types.NamespacedName{Namespace: lab.OperatorNamespace, Name: edge}, &gateway); err != nil {
			return err
		}
		condition := apimeta.FindStatusCondition(gateway.Status.Conditions, v1alpha1.ConditionProgrammed)
		if condition == nil || condition.Status != metav1.ConditionTrue || condition.ObservedGeneration != gateway.Generation {
			return fmt.Errorf("the condition is %+v", condition)
		}
		host, err := w.host(ctx)
		if err == nil && host.Status.AppliedRevision != host.Status.IntendedRevision {
			return fmt.Errorf("revision %s is applied and %s intended", host.Status.AppliedRevision, host.Status.IntendedRevision)
		}
		return err
	})
}

func (w *world) host(ctx context.Context) (*v1alpha1.NftGatewayHost, error) {
	var host v1alpha1.NftGatewayHost
	err := w.api.Get(ctx, types.NamespacedName{Namespace: lab.OperatorNamespace, Name: edge + "." + w.gateway.Name}, &host)
	return &host, err
}

// awaitDoors waits until exactly those doors are open, by the kernel's own list,
// that the Services ask for.
func (w *world) awaitDoors(ctx context.Context) error {
	return w.await(ctx, "exactly the doors of the Services to be open", func() error {
		kernel, err := w.readKernel()
		if err != nil {
			return err
		}
		if difference := kernel.differsFrom(w.intent.doors()); difference != "" {
			return errors.New(difference)
		}
		return nil
	})
}
