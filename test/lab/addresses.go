package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// AddressesAnnotation on a Service of type LoadBalancer names the addresses, or
// host names, that its status gets: "203.0.113.7,2001:db8:1b::7". An empty value
// keeps the Service pending.
const AddressesAnnotation = "lab.nft-operator.io/addresses"

// AssignAddresses writes a Service's load balancer status, as MetalLB and its
// like do: addresses, host names, or none. Conditions in the status stay as they
// are.
func (c *ControlPlane) AssignAddresses(ctx context.Context, namespace, name string, addresses ...string) error {
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return err
	}
	return patchIngress(ctx, client, namespace, name, ingressOf(addresses))
}

// AssignFromPools gives every Service of type LoadBalancer an address, as its
// annotation says or, without one, a free one of each of its families from the
// pools. It works in the background until the context ends.
func (c *ControlPlane) AssignFromPools(ctx context.Context, pools ...netip.Prefix) error {
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	informer := factory.Core().V1().Services().Informer()
	a := &assigner{
		client: client,
		pools:  pools,
		store:  informer.GetStore(),
		held:   map[string][]string{},
		queue:  workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]()),
	}
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    a.enqueue,
		UpdateFunc: func(_, service any) { a.enqueue(service) },
		DeleteFunc: a.enqueue,
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return fmt.Errorf("list Services: %w", ctx.Err())
	}
	go a.run(ctx)
	context.AfterFunc(ctx, a.queue.ShutDown)
	return nil
}

// assigner stands in for a load balancer's address controller.
type assigner struct {
	client kubernetes.Interface
	pools  []netip.Prefix
	store  cache.Store
	// held are the addresses that a Service got, by "namespace/name".
	held  map[string][]string
	queue workqueue.TypedRateLimitingInterface[string]
}

func (a *assigner) enqueue(service any) {
	if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(service); err == nil {
		a.queue.Add(key)
	}
}

func (a *assigner) run(ctx context.Context) {
	for {
		key, done := a.queue.Get()
		if done {
			return
		}
		switch err := a.assign(ctx, key); {
		case err == nil:
			a.queue.Forget(key)
		case ctx.Err() == nil:
			fmt.Fprintln(os.Stderr, "lab:", err)
			a.queue.AddRateLimited(key)
		}
		a.queue.Done(key)
	}
}

func (a *assigner) assign(ctx context.Context, key string) error {
	object, exists, err := a.store.GetByKey(key)
	if err != nil {
		return err
	}
	if !exists {
		delete(a.held, key)
		return nil
	}
	service := object.(*corev1.Service)
	if service.Spec.Type != corev1.ServiceTypeLoadBalancer {
		delete(a.held, key)
		return nil
	}
	wanted, err := a.wanted(key, service)
	if err != nil {
		return err
	}
	a.held[key] = wanted
	ingress := ingressOf(wanted)
	if sameIngress(ingress, service.Status.LoadBalancer.Ingress) {
		return nil
	}
	err = patchIngress(ctx, a.client, service.Namespace, service.Name, ingress)
	if errors.IsNotFound(err) {
		return nil
	}
	return err
}

// wanted is what a Service's annotation says, what it has already, or what is
// free.
func (a *assigner) wanted(key string, service *corev1.Service) ([]string, error) {
	if text, given := service.Annotations[AddressesAnnotation]; given {
		return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }), nil
	}
	if len(a.held[key]) > 0 {
		return a.held[key], nil
	}
	var addresses []string
	for _, family := range service.Spec.IPFamilies {
		address, err := a.free(family)
		if err != nil {
			return nil, fmt.Errorf("assign an address to Service %s: %w", key, err)
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}

// free finds an address that no Service has.
func (a *assigner) free(family corev1.IPFamily) (string, error) {
	used := map[string]bool{}
	for _, addresses := range a.held {
		for _, address := range addresses {
			used[address] = true
		}
	}
	for _, pool := range a.pools {
		if pool.Addr().Is4() != (family == corev1.IPv4Protocol) {
			continue
		}
		for address := pool.Masked().Addr().Next(); pool.Contains(address); address = address.Next() {
			if !used[address.String()] {
				return address.String(), nil
			}
		}
	}
	return "", fmt.Errorf("no %s address is free in the pools %v", family, a.pools)
}

func ingressOf(addresses []string) []corev1.LoadBalancerIngress {
	ingress := []corev1.LoadBalancerIngress{}
	for _, address := range addresses {
		if _, err := netip.ParseAddr(address); err == nil {
			ingress = append(ingress, corev1.LoadBalancerIngress{IP: address})
		} else {
			ingress = append(ingress, corev1.LoadBalancerIngress{Hostname: address})
		}
	}
	return ingress
}

func sameIngress(a, b []corev1.LoadBalancerIngress) bool {
	return slices.EqualFunc(a, b, func(a, b corev1.LoadBalancerIngress) bool {
		return a.IP == b.IP && a.Hostname == b.Hostname
	})
}

// patchIngress changes nothing else of the status, so that it cannot undo what
// others write there.
func patchIngress(ctx context.Context, client kubernetes.Interface, namespace, name string, ingress []corev1.LoadBalancerIngress) error {
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"loadBalancer": map[string]any{"ingress": ingress}}})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Services(namespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}
