package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// TestAGatewayElsewhereIsTold needs rights beyond the operator's own namespace.
func TestAGatewayElsewhereIsTold(t *testing.T) {
	s := openShop(t)
	gateway := lab.NewEdge("elsewhere", the.net.Gateways...)
	gateway.Namespace = s.name
	must(t, the.api.Create(t.Context(), gateway))
	t.Cleanup(func() { must(t, the.api.Delete(context.Background(), gateway)) })
	await(t, "the gateway to be told", func() error {
		if err := the.api.Get(t.Context(), client.ObjectKeyFromObject(gateway), gateway); err != nil {
			return err
		}
		condition := apimeta.FindStatusCondition(gateway.Status.Conditions, v1alpha1.ConditionAccepted)
		if condition == nil || condition.Status != metav1.ConditionFalse || condition.Reason != "NamespaceNotWatched" {
			return fmt.Errorf("condition is %+v", condition)
		}
		return nil
	})
}

// TestEventsOfOneKindAreCounted: Kubernetes tells the second of two that differ
// only in their text as a number in the first.
func TestEventsOfOneKindAreCounted(t *testing.T) {
	s := openShop(t)
	s.service("web", []string{"203.0.113.139"}, func(s *corev1.Service) {
		s.Annotations = map[string]string{"nft-operator.io/rate-limit": "much", "nft-operator.io/connection-rate": "many"}
	})
	clients, err := kubernetes.NewForConfig(the.kube.Config)
	must(t, err)
	await(t, "an Event that counts two", func() error {
		events, err := clients.EventsV1().Events(s.name).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, event := range events.Items {
			if event.Reason == "RateLimitInvalid" && event.Series != nil && event.Series.Count == 2 {
				return nil
			}
		}
		return errors.New("there is none")
	})
}
