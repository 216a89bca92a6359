package control

import (
	"context"
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

const (
	edge       = "edge"
	gatewaySSH = "gateway-ssh"
)

// knownHosts has a line for every host that a test may name.
func knownHosts() string { return "* " + the.key.Public + "\n" }

// secret holds the key of the tests' gateways.
func secret() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: gatewaySSH},
		Type:       corev1.SecretTypeSSHAuth,
		Data:       map[string][]byte{corev1.SSHAuthPrivateKey: the.key.Private, v1alpha1.KnownHostsKey: []byte(knownHosts())},
	}
}

// gateway is an NftGateway that opens the Services of one test on hosts named
// gw1, gw2 and so on.
func (s *shop) gateway(name string, hosts ...string) *v1alpha1.NftGateway {
	gateway := &v1alpha1.NftGateway{
		ObjectMeta: metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: name},
		Spec: v1alpha1.NftGatewaySpec{
			PublicInterfaces: []v1alpha1.InterfaceName{"eth0"},
			SSH:              v1alpha1.SSH{PrivateKeySecretRef: v1alpha1.SecretReference{Name: gatewaySSH}},
			Services: v1alpha1.ServiceSelection{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: s.name}},
				AllowedCIDRs:      []v1alpha1.CIDR{"203.0.113.0/24"},
			},
		},
	}
	for _, host := range hosts {
		gateway.Spec.Hosts = append(gateway.Spec.Hosts, v1alpha1.GatewayHost{
			Name: host, Address: v1alpha1.HostAddress(host + ".example.org"),
		})
	}
	return gateway
}

func keyOf(object client.Object) client.ObjectKey { return client.ObjectKeyFromObject(object) }

// create makes an object that is gone when the test ends. Nothing collects
// garbage here but the tests.
func create(t *testing.T, object client.Object) {
	t.Helper()
	if err := the.api.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, object) })
}

// remove deletes an object, if it is there, without waiting for finalizers. An
// operator may put them on again meanwhile.
func remove(t *testing.T, object client.Object) {
	t.Helper()
	ctx := context.Background()
	key := keyOf(object)
	await(t, "the end of "+key.String(), func() error {
		if err := the.api.Get(ctx, key, object); err != nil {
			return client.IgnoreNotFound(err)
		}
		if len(object.GetFinalizers()) > 0 {
			base := object.DeepCopyObject().(client.Object)
			object.SetFinalizers(nil)
			if err := the.api.Patch(ctx, object, client.MergeFrom(base)); err != nil {
				return client.IgnoreNotFound(err)
			}
		}
		if err := the.api.Delete(ctx, object); err != nil {
			return client.IgnoreNotFound(err)
		}
		return errors.New("it is still looked for")
	})
}

// createGateway makes an NftGateway. Its NftGatewayHosts are gone with it.
func createGateway(t *testing.T, gateway *v1alpha1.NftGateway) {
	t.Helper()
	t.Cleanup(func() {
		if err := the.api.DeleteAllOf(context.Background(), &v1alpha1.NftGatewayHost{},
			client.InNamespace(gateway.Namespace), client.MatchingLabels{v1alpha1.LabelGateway: gateway.Name}); err != nil {
			t.Error(err)
		}
	})
	create(t, gateway)
}

// editEdge changes the NftGateway edge.
func editEdge(t *testing.T, edit func(*v1alpha1.NftGateway)) {
	t.Helper()
	update(t, &v1alpha1.NftGateway{ObjectMeta: metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: edge}}, edit)
}

// update changes an object that is there.
func update[T client.Object](t *testing.T, object T, edit func(T)) {
	t.Helper()
	if err := the.api.Get(t.Context(), keyOf(object), object); err != nil {
		t.Fatal(err)
	}
	base := object.DeepCopyObject().(client.Object)
	edit(object)
	if err := the.api.Patch(t.Context(), object, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
}

// awaitGateway waits until a condition of an NftGateway has the status and
// reason, for the present generation.
func awaitGateway(t *testing.T, name, kind string, status metav1.ConditionStatus, reason string) *v1alpha1.NftGateway {
	t.Helper()
	gateway := &v1alpha1.NftGateway{}
	await(t, fmt.Sprintf("NftGateway %s: %s to be %s because of %s", name, kind, status, reason), func() error {
		if err := the.api.Get(t.Context(), types.NamespacedName{Namespace: lab.OperatorNamespace, Name: name}, gateway); err != nil {
			return err
		}
		return differs(gateway.Status.Conditions, gateway.Generation, kind, status, reason)
	})
	return gateway
}

func awaitProgrammed(t *testing.T, name string) *v1alpha1.NftGateway {
	t.Helper()
	return awaitGateway(t, name, v1alpha1.ConditionProgrammed, metav1.ConditionTrue, "Programmed")
}

// hostOf reads an NftGatewayHost.
func hostOf(t *testing.T, gateway, host string) (*v1alpha1.NftGatewayHost, error) {
	t.Helper()
	object := &v1alpha1.NftGatewayHost{}
	return object, the.api.Get(t.Context(), types.NamespacedName{Namespace: lab.OperatorNamespace, Name: gateway + "." + host}, object)
}

// awaitHost waits until a condition of a host has the status and reason.
func awaitHost(t *testing.T, gateway, host, kind string, status metav1.ConditionStatus, reason string) *v1alpha1.NftGatewayHost {
	t.Helper()
	var object *v1alpha1.NftGatewayHost
	await(t, fmt.Sprintf("host %s of %s: %s to be %s because of %s", host, gateway, kind, status, reason), func() (err error) {
		if object, err = hostOf(t, gateway, host); err != nil {
			return err
		}
		return differs(object.Status.Conditions, object.Status.ObservedGeneration, kind, status, reason)
	})
	return object
}

// whyNot says why a host is not programmed.
func whyNot(host *v1alpha1.NftGatewayHost) string {
	if condition := apimeta.FindStatusCondition(host.Status.Conditions, v1alpha1.ConditionProgrammed); condition != nil {
		return condition.Message
	}
	return ""
}

// eventsAbout are the Events of an object, not of an earlier one of its name.
func eventsAbout(t *testing.T, object client.Object) ([]eventsv1.Event, error) {
	t.Helper()
	var list eventsv1.EventList
	if err := the.api.List(t.Context(), &list, client.InNamespace(object.GetNamespace())); err != nil {
		return nil, err
	}
	var events []eventsv1.Event
	for _, event := range list.Items {
		if event.Regarding.UID == object.GetUID() {
			events = append(events, event)
		}
	}
	return events, nil
}

// awaitNoHost waits until an NftGatewayHost is gone.
func awaitNoHost(t *testing.T, gateway, host string) {
	t.Helper()
	await(t, fmt.Sprintf("host %s of %s to be gone", host, gateway), func() error {
		object, err := hostOf(t, gateway, host)
		if err == nil {
			err = fmt.Errorf("it is there: %+v", object)
		}
		return client.IgnoreNotFound(err)
	})
}

func differs(conditions []metav1.Condition, generation int64, kind string, status metav1.ConditionStatus, reason string) error {
	condition := apimeta.FindStatusCondition(conditions, kind)
	if condition == nil || condition.Status != status || condition.Reason != reason || condition.ObservedGeneration != generation {
		return fmt.Errorf("conditions are %+v, want generation %d", conditions, generation)
	}
	return nil
}
