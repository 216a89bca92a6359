package soak

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// create makes a Service with its addresses.
func (w *world) create(ctx context.Context, s service) error {
	both := corev1.IPFamilyPolicyPreferDualStack
	object := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: s.name},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeLoadBalancer, IPFamilyPolicy: &both,
			Ports: servicePorts(s.ports), LoadBalancerSourceRanges: s.ranges,
		},
	}
	if err := w.api.Create(ctx, object); err != nil {
		return err
	}
	var addresses []string
	for _, address := range s.addresses {
		addresses = append(addresses, address.String())
	}
	if err := w.kube.AssignAddresses(ctx, namespace, s.name, addresses...); err != nil {
		return err
	}
	w.intent.services[s.name] = s
	return nil
}

// update brings a Service that is there to other ports or ranges.
func (w *world) update(ctx context.Context, s service) error {
	var object corev1.Service
	if err := w.api.Get(ctx, types.NamespacedName{Namespace: namespace, Name: s.name}, &object); err != nil {
		return err
	}
	base := object.DeepCopy()
	object.Spec.Ports, object.Spec.LoadBalancerSourceRanges = servicePorts(s.ports), s.ranges
	w.ledger.excuse(without(w.intent.services[s.name].doors(), s.doors())...)
	if err := w.api.Patch(ctx, &object, client.MergeFrom(base)); err != nil {
		return err
	}
	w.intent.services[s.name] = s
	return nil
}

func (w *world) remove(ctx context.Context, name string) error {
	object := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	w.ledger.excuse(w.intent.services[name].doors()...)
	if err := w.api.Delete(ctx, object); err != nil {
		return err
	}
	delete(w.intent.services, name)
	return nil
}

// without lists the doors that others do not have.
func without(doors, others []door) []door {
	return slices.DeleteFunc(slices.Clone(doors), func(d door) bool { return slices.Contains(others, d) })
}

func servicePorts(ports []port) (list []corev1.ServicePort) {
	for _, port := range ports {
		list = append(list, corev1.ServicePort{
			Name: fmt.Sprintf("%s-%d", port.protocol, port.number), Port: int32(port.number),
			Protocol: corev1.Protocol(strings.ToUpper(string(port.protocol))),
		})
	}
	return list
}
