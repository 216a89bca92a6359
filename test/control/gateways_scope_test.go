package control

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

func TestAHostThatLeavesTheSpecLosesItsObject(t *testing.T) {
	s := openEdge(t, "gw1", "gw2")
	operator := startOperator(t)
	s.service("web", []string{"203.0.113.10"})
	s.awaitOpen("web", "2 of 2 gateway hosts")
	editEdge(t, func(gateway *v1alpha1.NftGateway) { gateway.Spec.Hosts = gateway.Spec.Hosts[:1] })
	awaitNoHost(t, edge, "gw2")
	s.awaitOpen("web", "1 of 1 gateway hosts")
	if gateway := awaitProgrammed(t, edge); gateway.Status.Hosts != "1/1" {
		t.Errorf("hosts are %s", gateway.Status.Hosts)
	}
	gone := operator.runner.count("gw2")

	editEdge(t, func(gateway *v1alpha1.NftGateway) {
		gateway.Spec.Hosts = append(gateway.Spec.Hosts, v1alpha1.GatewayHost{Name: "gw3", Address: "gw3.example.org"})
	})
	s.awaitOpen("web", "2 of 2 gateway hosts")
	if operator.runner.count("gw2") != gone {
		t.Error("there was a run on the host that left")
	}
}

func TestAHostObjectThatSomebodyDeletesIsMadeAgain(t *testing.T) {
	openEdge(t, "gw1")
	startOperator(t)
	awaitProgrammed(t, edge)
	host, err := hostOf(t, edge, "gw1")
	if err != nil {
		t.Fatal(err)
	}
	before := host.UID
	if err := the.api.Delete(t.Context(), host); err != nil {
		t.Fatal(err)
	}
	await(t, "the host to be back", func() error {
		host, err := hostOf(t, edge, "gw1")
		if err == nil && host.UID == before {
			err = fmt.Errorf("it is still the old one")
		}
		return err
	})
	awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionTrue, "Programmed")
	awaitProgrammed(t, edge)
}

func TestAnotherNamespaceIsNotWatched(t *testing.T) {
	s := openShop(t)
	operator := startOperator(t)
	gateway := s.gateway("elsewhere", "gw1")
	gateway.Namespace = s.name
	create(t, gateway)
	await(t, "the gateway to be told", func() error {
		if err := the.api.Get(t.Context(), keyOf(gateway), gateway); err != nil {
			return err
		}
		return differs(gateway.Status.Conditions, gateway.Generation, v1alpha1.ConditionAccepted, metav1.ConditionFalse, "NamespaceNotWatched")
	})
	var hosts v1alpha1.NftGatewayHostList
	if err := the.api.List(t.Context(), &hosts); err != nil || len(hosts.Items) > 0 || operator.runner.total() > 0 {
		t.Errorf("it has hosts %+v, or runs, or: %v", hosts.Items, err)
	}
}

func TestTwoGatewaysOnOneBox(t *testing.T) {
	s := openEdge(t, "gw1")
	operator := startOperator(t)
	s.service("web", []string{"203.0.113.10"})
	s.awaitOpen("web", "1 of 1 gateway hosts")
	runs := operator.runner.total()

	// Made in the same second perhaps, in which the name decides.
	createGateway(t, s.gateway("later", "gw1"))
	awaitGateway(t, "later", v1alpha1.ConditionAccepted, metav1.ConditionFalse, "HostConflict")
	awaitHost(t, "later", "gw1", v1alpha1.ConditionAccepted, metav1.ConditionFalse, "HostConflict")
	if operator.runner.total() != runs {
		t.Error("there was a run")
	}
	s.awaitOpen("web", "1 of 1 gateway hosts")
	awaitProgrammed(t, edge)

	editEdge(t, func(gateway *v1alpha1.NftGateway) { gateway.Spec.Hosts[0].Address = "192.0.2.77" })
	awaitProgrammed(t, "later")
	s.awaitOpen("web", "2 of 2 gateway hosts")
}

// TestAnInvalidSpecChangesNothing: the API server refuses such a spec, but an
// older CRD may have let it in.
func TestAnInvalidSpecChangesNothing(t *testing.T) {
	for name, harm := range map[string]func(*v1alpha1.NftGatewaySpec){
		"range":     func(spec *v1alpha1.NftGatewaySpec) { spec.Services.AllowedCIDRs = []v1alpha1.CIDR{"203.0.113.0/33"} },
		"no ranges": func(spec *v1alpha1.NftGatewaySpec) { spec.Services.AllowedCIDRs = nil },
		"interface": func(spec *v1alpha1.NftGatewaySpec) { spec.PublicInterfaces = []v1alpha1.InterfaceName{"eth*"} },
	} {
		t.Run(name, func(t *testing.T) {
			s := openEdge(t, "gw1")
			operator := startOperator(t)
			s.service("web", []string{"203.0.113.10"})
			s.awaitOpen("web", "1 of 1 gateway hosts")
			runs := operator.runner.total()

			gateway := awaitProgrammed(t, edge)
			right := gateway.Spec.DeepCopy()
			harm(&gateway.Spec)
			putInEtcd(t, gateway)
			awaitGateway(t, edge, v1alpha1.ConditionAccepted, metav1.ConditionFalse, "InvalidSpec")
			awaitHost(t, edge, "gw1", v1alpha1.ConditionAccepted, metav1.ConditionFalse, "InvalidSpec")
			if operator.runner.total() != runs {
				t.Error("there was a run")
			}
			s.awaitOpen("web", "1 of 1 gateway hosts")

			editEdge(t, func(gateway *v1alpha1.NftGateway) { gateway.Spec = *right })
			awaitProgrammed(t, edge)
		})
	}
}

// putInEtcd writes a gateway of a new generation, past the API server's checks.
func putInEtcd(t *testing.T, gateway *v1alpha1.NftGateway) {
	t.Helper()
	gateway.Generation++
	gateway.ResourceVersion = ""
	gateway.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("NftGateway"))
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(gateway)
	if err != nil {
		t.Fatal(err)
	}
	key := fmt.Sprintf("/registry/nft-operator.io/nftgateways/%s/%s", lab.OperatorNamespace, gateway.Name)
	if err := the.kube.PutInEtcd(t.Context(), key, object); err != nil {
		t.Fatal(err)
	}
}

// TestADeletedGatewayLetsServicesGo: what it opened stays, by default, but no
// Service is told that anybody looks after it.
func TestADeletedGatewayLetsServicesGo(t *testing.T) {
	s := openEdge(t, "gw1")
	operator := startOperator(t)
	s.service("web", []string{"203.0.113.10"})
	s.awaitOpen("web", "1 of 1 gateway hosts")
	runs := operator.runner.total()
	if err := the.api.Delete(t.Context(), s.gateway(edge)); err != nil {
		t.Fatal(err)
	}
	awaitNoHost(t, edge, "gw1")
	s.awaitNoCondition("web")
	s.awaitEvent("web", corev1.EventTypeNormal, "Withdrawn")
	if operator.runner.total() != runs {
		t.Error("there was a run")
	}
}
