package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// service is a Service of type LoadBalancer in one line.
type service struct {
	name      string
	addresses string // separated by commas
	ports     []corev1.ServicePort
	sources   []string
	// ignored by kube-proxy: it could not tell this Service's packets from those of
	// another at the same address.
	ignored bool
}

func tcpPort(number int32) corev1.ServicePort {
	return corev1.ServicePort{Name: fmt.Sprintf("tcp-%d", number), Protocol: corev1.ProtocolTCP, Port: number}
}

func udpPort(number int32) corev1.ServicePort {
	return corev1.ServicePort{Name: fmt.Sprintf("udp-%d", number), Protocol: corev1.ProtocolUDP, Port: number}
}

// create creates a Service; the stand-in for MetalLB gives it its addresses, and
// kube-proxy leads those to the Pod.
func (w *world) create(ctx context.Context, s service) error {
	created := lab.NewPodService(namespace, s.name, s.addresses, behindServices)
	created.Spec.Ports = s.ports
	created.Spec.LoadBalancerSourceRanges = s.sources
	if s.ignored {
		created.Labels = map[string]string{"service.kubernetes.io/service-proxy-name": "none"}
	}
	return w.api.Create(ctx, created)
}

// setPorts edits a Service's ports.
func (w *world) setPorts(ctx context.Context, name string, ports ...corev1.ServicePort) error {
	edited := &corev1.Service{}
	if err := w.api.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, edited); err != nil {
		return err
	}
	base := edited.DeepCopy()
	edited.Spec.Ports = ports
	return w.api.Patch(ctx, edited, client.MergeFrom(base))
}

func (w *world) remove(ctx context.Context, name string) error {
	return w.api.Delete(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
}

// reported awaits what the operator says of a Service as it is now.
func (w *world) reported(ctx context.Context, name string, status metav1.ConditionStatus, reason string) (metav1.Condition, error) {
	return awaitCondition(ctx, status, reason, func() (*metav1.Condition, error) {
		found := &corev1.Service{}
		if err := w.api.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, found); err != nil {
			return nil, err
		}
		condition := apimeta.FindStatusCondition(found.Status.Conditions, v1alpha1.ServiceConditionProgrammed)
		if condition != nil && condition.ObservedGeneration != found.Generation {
			return nil, nil // it speaks of an earlier state
		}
		return condition, nil
	})
}

// eventsOf awaits Events about a Service and writes them as kubectl describe does.
func (w *world) eventsOf(ctx context.Context, name string) (text string, err error) {
	err = await(ctx, func() error {
		events, err := w.clients.EventsV1().Events(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		var lines []string
		for _, event := range events.Items {
			if event.Regarding.Kind == "Service" && event.Regarding.Name == name {
				lines = append(lines, fmt.Sprintf("%s  %s  %s", event.Type, event.Reason, event.Note))
			}
		}
		text = strings.Join(lines, "\n")
		if text == "" {
			return errors.New("no Event is about the Service")
		}
		return nil
	})
	return text, err
}
