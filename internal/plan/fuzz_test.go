package plan

import (
	"regexp"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

// The closed character sets that strings of a plan come from.
var (
	label     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	subdomain = regexp.MustCompile(`^[a-z0-9.-]{1,253}$`)
	number    = regexp.MustCompile(`^[0-9a-f.:]+$`)
	network   = regexp.MustCompile(`^[0-9a-f.:]+/[0-9]+$`)
	printable = regexp.MustCompile(`^[ -~]{1,256}$`)
	notice    = regexp.MustCompile(`^[ -~]{1,384}$`)
	device    = regexp.MustCompile(`^[A-Za-z0-9_.:@-]{1,15}$`)
)

func want(t *testing.T, what, text string, charset *regexp.Regexp) {
	t.Helper()
	if !charset.MatchString(text) {
		t.Fatalf("%s %q does not match %s", what, text, charset)
	}
}

func wantOneOf[T ~string](t *testing.T, what string, value T, words ...T) {
	t.Helper()
	if !slices.Contains(words, value) {
		t.Fatalf("%s %q is none of %q", what, value, words)
	}
}

func wantClosedStrings(t *testing.T, plan Gateway) {
	t.Helper()
	want(t, "namespace of the gateway", plan.Key.Namespace, label)
	want(t, "name of the gateway", plan.Key.Name, subdomain)
	wantOneOf(t, "default action", plan.Firewall.DefaultAction, v1alpha1.DefaultActionDrop, v1alpha1.DefaultActionAccept)
	wantOneOf(t, "established connections", plan.Firewall.EstablishedConnections, v1alpha1.EstablishedKeep, v1alpha1.EstablishedTerminate)
	wantOneOf(t, "gateway echo", plan.Firewall.GatewayEcho, v1alpha1.EchoLimit, v1alpha1.EchoDrop)
	wantOneOf(t, "service echo", plan.Firewall.ServiceEcho, v1alpha1.EchoLimit, v1alpha1.EchoDrop)
	for _, p := range slices.Concat(plan.Firewall.Management, plan.Firewall.SSHSources, plan.Firewall.BGPPeers, plan.Firewall.LoadBalancerRanges) {
		want(t, "range", p.String(), network)
	}
	for _, e := range plan.Exposures {
		want(t, "namespace", e.Service.Namespace, label)
		want(t, "name", e.Service.Name, label)
		want(t, "address", e.Address.String(), number)
		wantOneOf(t, "protocol", e.Protocol, TCP, UDP, SCTP)
		for _, p := range e.Sources {
			want(t, "source", p.String(), network)
		}
	}
	for _, l := range plan.Limits {
		want(t, "namespace of limits", l.Service.Namespace, label)
		want(t, "name of limits", l.Service.Name, label)
		for _, rate := range []*ratelimit.Rate{l.Limits.Service, l.PerSource, l.ConnectionRate} {
			if rate != nil {
				wantOneOf(t, "unit", rate.Unit, ratelimit.Bytes, ratelimit.Packets, ratelimit.Connections)
				wantOneOf(t, "period", rate.Period, ratelimit.Second, ratelimit.Minute, ratelimit.Hour, ratelimit.Day)
			}
		}
	}
	for _, n := range plan.Notices {
		want(t, "notice", n.Message, notice)
	}
	for _, r := range plan.Refusals {
		want(t, "message", r.Message, printable)
		if r.Reason == InvalidName {
			continue
		}
		want(t, "namespace of a refusal", r.Service.Namespace, label)
		want(t, "name of a refusal", r.Service.Name, label)
	}
}

func FuzzServiceName(f *testing.F) {
	f.Add("shop", "web")
	f.Add("shop", "{{ lookup('pipe','id') }}")
	f.Add("\"; drop", "web\n")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, namespace, name string) {
		key, err := NewServiceKey(namespace, name)
		if err != nil {
			want(t, "error", err.Error(), printable)
			return
		}
		want(t, "namespace", key.Namespace, label)
		want(t, "name", key.Name, label)
	})
}

func FuzzForGateway(f *testing.F) {
	f.Add("shop", "web", "192.0.2.10", "", "TCP", int32(80), "198.51.100.0/24", "198.51.100.0/24", "192.0.2.0/24", "eth0", "Drop")
	f.Add("shop", "{{ 7*7 }}", "192.0.2.10", "$(id)", "UDP", int32(0), "10.0.0.0/33", "; flush ruleset", "::ffff:192.0.2.0/120", "eth0; id", "drop")
	f.Add("a\"b", "web", "fe80::1%}}", "{% raw %}", "\n", int32(-1), "\x00", "::/0", "0.0.0.0/0", "../../x", "Accept")
	f.Fuzz(func(t *testing.T, namespace, name, ip, hostname, protocol string, port int32, field, annotation, cidr, device1, action string) {
		gw := gateway(allowed("0.0.0.0/0", "::/0", v1alpha1.CIDR(cidr)), func(spec *v1alpha1.NftGatewaySpec) {
			spec.PublicInterfaces = []v1alpha1.InterfaceName{v1alpha1.InterfaceName(device1)}
			spec.Firewall.DefaultAction = v1alpha1.DefaultAction(action)
			spec.Firewall.ManagementCIDRs = []v1alpha1.CIDR{v1alpha1.CIDR(cidr)}
		})
		services := []corev1.Service{
			service(name, inNamespace(namespace), ports(corev1.ServicePort{Protocol: corev1.Protocol(protocol), Port: port}, tcp(80)),
				ingress(corev1.LoadBalancerIngress{IP: ip, Hostname: hostname}, corev1.LoadBalancerIngress{IP: "192.0.2.1"}), from(field)),
			service("hostname", ingress(corev1.LoadBalancerIngress{Hostname: hostname})),
			service("annotated", at(ip, "192.0.2.2"), annotatedFrom(annotation), labelled(name, annotation), class(hostname)),
			service("limited", at("192.0.2.4"), asking("ratelimit", hostname, "nft-operator.io/rate-limit", annotation,
				"nft-operator.io/rate-limit-per-source", field, "nft-operator.io/connection-rate", name, "nft-operator.io/connection-limit", protocol)),
			service("plain", at("192.0.2.3")),
		}
		plan, err := ForGateway(gw, services, map[string]labels.Set{namespace: {name: annotation}})
		if err != nil {
			want(t, "error", err.Error(), printable)
			return
		}
		wantClosedStrings(t, plan)
		if !slices.ContainsFunc(plan.Exposures, func(e Exposure) bool { return e.Service.Name == "plain" }) {
			t.Fatalf("a bad Service closed a good one: %v", plan.Refusals)
		}
		host, err := plan.ForHost(&gw.Spec, gw.Spec.Hosts[0])
		if err != nil {
			want(t, "error", err.Error(), printable)
			return
		}
		for _, name := range host.PublicInterfaces {
			want(t, "interface", name, device)
		}
	})
}
