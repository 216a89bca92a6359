package api

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

// TestDefaults: what is left out is filled in, so that the stored object says
// what happens.
func TestDefaults(t *testing.T) {
	full := v1alpha1.NftGatewaySpec{
		Hosts:            []v1alpha1.GatewayHost{{Name: "gw1", Address: "192.0.2.1"}},
		PublicInterfaces: []v1alpha1.InterfaceName{"eth0"},
		SSH: v1alpha1.SSH{
			User: "root", Port: 22, Become: v1alpha1.BecomeSudo, ConnectTimeoutSeconds: 10,
			PrivateKeySecretRef: v1alpha1.SecretReference{Name: "gateway-ssh"},
		},
		Services:       v1alpha1.ServiceSelection{AllowedCIDRs: []v1alpha1.CIDR{"203.0.113.0/24"}},
		DeletionPolicy: v1alpha1.DeletionRetain,
		Rollout: v1alpha1.Rollout{
			ConfirmTimeout: &metav1.Duration{Duration: 30 * time.Second},
			MaxUnavailable: new(intstr.FromString("25%")),
		},
		RateLimiting: v1alpha1.RateLimiting{
			Engine: v1alpha1.RateLimitAuto, Mode: v1alpha1.RateLimitPolice, OnInvalid: v1alpha1.OnInvalidDefault,
		},
		Firewall: v1alpha1.Firewall{
			DefaultAction:          v1alpha1.DefaultActionDrop,
			EstablishedConnections: v1alpha1.EstablishedKeep,
			SSH:                    v1alpha1.PublicSSH{PublicAccess: v1alpha1.PublicAccessDeny},
			BGP:                    v1alpha1.PublicBGP{PublicAccess: v1alpha1.PublicAccessDeny},
			ICMP: v1alpha1.ICMP{
				GatewayEcho: v1alpha1.EchoLimit, ServiceEcho: v1alpha1.EchoDrop, EchoPerSecond: 10,
			},
		},
	}
	for name, test := range map[string]struct {
		change string
		want   func(*v1alpha1.NftGatewaySpec)
	}{
		"firewall left out": {`{}`, func(*v1alpha1.NftGatewaySpec) {}},
		"firewall empty":    {`spec: {firewall: {}}`, func(*v1alpha1.NftGatewaySpec) {}},
		"parts of it empty": {`spec: {firewall: {ssh: {}, bgp: {}, icmp: {}}}`, func(*v1alpha1.NftGatewaySpec) {}},
		"one field of it": {`spec: {firewall: {icmp: {serviceEcho: Limit}}}`, func(spec *v1alpha1.NftGatewaySpec) {
			spec.Firewall.ICMP.ServiceEcho = v1alpha1.EchoLimit
		}},
		"rate limiting empty": {`spec: {rateLimiting: {}}`, func(*v1alpha1.NftGatewaySpec) {}},
		"rate limiting by default": {`spec: {rateLimiting: {default: 16mbit}}`, func(spec *v1alpha1.NftGatewaySpec) {
			spec.RateLimiting.Default = "16mbit"
		}},
		"rollout empty": {`spec: {rollout: {}}`, func(*v1alpha1.NftGatewaySpec) {}},
		"rollout by number": {`spec: {rollout: {maxUnavailable: 2}}`, func(spec *v1alpha1.NftGatewaySpec) {
			spec.Rollout.MaxUnavailable = new(intstr.FromInt32(2))
		}},
		"jump host": {`spec: {ssh: {jumpHost: {address: hop.example.org}}}`, func(spec *v1alpha1.NftGatewaySpec) {
			spec.SSH.JumpHost = &v1alpha1.JumpHost{Address: "hop.example.org", Port: 22}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			object := leastWith(t, test.change)
			if err := try(t, object); err != nil {
				t.Fatal(err)
			}
			var got v1alpha1.NftGateway
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &got); err != nil {
				t.Fatal(err)
			}
			want := full.DeepCopy()
			test.want(want)
			if difference := cmp.Diff(*want, got.Spec); difference != "" {
				t.Error(difference)
			}
		})
	}
}
