package ansible

import (
	"encoding/json"
	"regexp"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/plan"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

// typed is what an address, a range, a protocol, a name or one of our own words
// can look like. Nothing that Jinja, YAML, nft or a shell gives a meaning to is
// in it.
var typed = regexp.MustCompile(`^[a-z0-9./:_-]{0,300}$`)

// FuzzNothingButTypedValuesReachTheVars plans a Service whose every text a
// tenant may write, and looks at every string of the extra-vars.
func FuzzNothingButTypedValuesReachTheVars(f *testing.F) {
	f.Add("web", "203.0.113.10", "lb.example.org", "198.51.100.0/24", "10.0.0.0/8, ::/0", "TCP", "{{ lookup('pipe','id') }}")
	f.Add(`"; drop`, "{{ 7*7 }}", "$(id)", "::1/128\n}", "\x00", "tcp }", "2 mbytes")
	f.Add("web", "203.0.113.10", "", "", "", "UDP", "2 mbytes/second burst 512 kbytes")
	f.Add("web", "203.0.113.10", "", "", "", "UDP", "2 mbytes/second; drop")
	f.Add("a.b", "2001:db8:1b::1%eth0", "", "0.0.0.0/0", "", "SCTP", "")
	f.Fuzz(func(t *testing.T, name, ip, hostname, sources, annotation, protocol, other string) {
		annotations := map[string]string{corev1.AnnotationLoadBalancerSourceRangesKey: annotation}
		for _, name := range ratelimit.Annotations() {
			annotations[name] = other
		}
		service := corev1.Service{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "shop", Name: name, UID: types.UID(other), Labels: map[string]string{other: annotation},
				Annotations: annotations,
			},
			Spec: corev1.ServiceSpec{
				Type: corev1.ServiceTypeLoadBalancer, LoadBalancerClass: &other, LoadBalancerSourceRanges: []string{sources},
				Ports: []corev1.ServicePort{{Name: other, Port: 80, Protocol: corev1.Protocol(protocol)}, {Port: 443}},
			},
			Status: corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{
				Ingress: []corev1.LoadBalancerIngress{{IP: ip, Hostname: hostname}, {IP: "203.0.113.99"}},
			}},
		}
		if sources == "" {
			service.Spec.LoadBalancerSourceRanges = nil
		}
		gateway := &v1alpha1.NftGateway{ObjectMeta: metav1.ObjectMeta{Namespace: "nft-operator-system", Name: "edge"}}
		gateway.Spec.Services.AllowedCIDRs = []v1alpha1.CIDR{"0.0.0.0/0", "::/0"}
		planned, err := plan.ForGateway(gateway, []corev1.Service{service}, nil)
		if err != nil {
			t.Fatalf("a Service failed the plan: %v", err)
		}
		text, err := json.Marshal(VarsOf(planned))
		if err != nil {
			t.Fatal(err)
		}
		var vars any
		if err := json.Unmarshal(text, &vars); err != nil {
			t.Fatal(err)
		}
		assertTyped(t, vars)
	})
}

func assertTyped(t *testing.T, value any) {
	t.Helper()
	switch value := value.(type) {
	case string:
		if !typed.MatchString(value) {
			t.Errorf("%q reaches the vars", value)
		}
	case []any:
		for _, item := range value {
			assertTyped(t, item)
		}
	case map[string]any:
		for key, item := range value {
			assertTyped(t, key)
			assertTyped(t, item)
		}
	}
}
