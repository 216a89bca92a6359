package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/nft-operator/nft-operator/test/lab"
)

func TestABadServiceIsRefusedAloneAndSaysWhy(t *testing.T) {
	s := openShop(t)
	client := the.net.Client.Primary
	for _, door := range []string{"tcp 203.0.113.40:80", "tcp 203.0.113.41:80", "tcp 203.0.113.42:80"} {
		serve(t, door)
	}
	s.service("good", []string{"203.0.113.40"})
	s.awaitOpen("good")

	s.service("elsewhere", []string{"192.0.2.2"})
	s.service("named", []string{"lb.example.org"})
	s.service("late", []string{"203.0.113.40"})
	s.service("half", []string{"203.0.113.41", "198.51.100.1"})
	s.past("ranges", "203.0.113.42", "10.0.0.0/33")

	for name, want := range map[string]struct{ reason, says string }{
		"elsewhere": {"AddressNotAllowed", "192.0.2.2"},
		"named":     {"NoAddress", "lb.example.org"},
		"late":      {"AddressInUse", s.name + "/good"},
		"half":      {"AddressNotAllowed", "198.51.100.1"},
		"ranges":    {"InvalidSourceRange", "10.0.0.0/33"},
	} {
		condition := s.awaitCondition(name, metav1.ConditionFalse, want.reason)
		if !strings.Contains(condition.Message, want.says) {
			t.Errorf("%s: the message does not say %q: %s", name, want.says, condition.Message)
		}
		s.awaitEvent(name, corev1.EventTypeWarning, want.reason)
	}
	s.awaitEvent("good", corev1.EventTypeNormal, "Opened")
	await(t, "the allowed address of half to be open on both gateways", func() error {
		condition := s.awaitCondition("half", metav1.ConditionFalse, "AddressNotAllowed")
		if !strings.Contains(condition.Message, "the rest of the service is open on 2 of 2 gateway hosts") {
			return errors.New(condition.Message)
		}
		return nil
	})
	assertOpen(t, client.IPv4, "tcp 203.0.113.40:80", "tcp 203.0.113.41:80")
	// Until its ranges were spoilt it was open, and it is told before it is closed.
	await(t, "the Service with a bad range to close", func() error { return allClosed(client, []string{"tcp 203.0.113.42:80"}) })
}

// TestHostileTextNeverLeavesAsText gives Services what nft, Jinja and a shell
// would run, where the API server lets it pass, and past it where it does not.
func TestHostileTextNeverLeavesAsText(t *testing.T) {
	s := openShop(t)
	serve(t, "tcp 203.0.113.43:80")
	serve(t, "tcp 203.0.113.46:80")
	hostile := []string{
		"{{ lookup('pipe','touch /tmp/owned') }}",
		`"; drop; add rule inet nft_operator input accept #`,
		"$(touch /tmp/owned)",
		"203.0.113.0/24\n\t\t}\n\t}\n}\nflush ruleset",
	}
	for i, text := range hostile {
		s.past(fmt.Sprintf("ranges-%d", i), fmt.Sprintf("203.0.113.%d", 44+i), text)
		s.service(fmt.Sprintf("annotated-%d", i), nil, withAnnotation("ratelimit", text), withPorts(fmt.Sprintf("tcp/%d", 8000+i)))
	}
	s.service("good", []string{"203.0.113.43"}, withAnnotation("ratelimit", hostile[0]))
	s.awaitOpen("good")
	for i := range hostile {
		s.awaitCondition(fmt.Sprintf("ranges-%d", i), metav1.ConditionFalse, "InvalidSourceRange")
	}
	s.awaitEvent("good", corev1.EventTypeWarning, "RateLimitInvalid")
	assertOpen(t, the.net.Client.Primary.IPv4, "tcp 203.0.113.43:80")
	assertClosed(t, the.net.Client.Primary.IPv4, "tcp 203.0.113.46:80")
	for _, gateway := range the.net.Gateways {
		conf, err := gateway.ReadFile("/etc/nftables.conf")
		if err != nil {
			t.Fatal(err)
		}
		for _, trace := range []string{"lookup(", "touch", "flush", "{{"} {
			if strings.Contains(string(conf), trace) {
				t.Errorf("%s: nftables.conf holds %q", gateway.Name, trace)
			}
		}
		if output, err := gateway.Exec("ls", "/tmp/owned"); err == nil {
			t.Errorf("%s: something was executed: %s", gateway.Name, output)
		}
	}
}

// past writes a Service with source ranges past the API server's validation,
// as an object from before that validation would be.
func (s *shop) past(name, address, sourceRange string) {
	s.t.Helper()
	service := s.service(name, []string{address})
	clients, err := kubernetes.NewForConfig(the.kube.Config)
	if err != nil {
		s.t.Fatal(err)
	}
	stored, err := clients.CoreV1().Services(s.name).Get(s.t.Context(), service.Name, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	stored.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}
	stored.Spec.LoadBalancerSourceRanges = []string{sourceRange}
	if err := the.kube.PutInEtcd(s.t.Context(), "/registry/services/specs/"+s.name+"/"+name, stored); err != nil {
		s.t.Fatal(err)
	}
}

// awaitEvent waits for an Event about a Service.
func (s *shop) awaitEvent(service, kind, reason string) {
	s.t.Helper()
	awaitEventAbout(s.t, corev1.ObjectReference{Kind: "Service", Namespace: s.name, Name: service}, kind, reason)
}

// awaitHostEvent waits for a normal Event about an NftGatewayHost.
func awaitHostEvent(t *testing.T, host, reason string) {
	t.Helper()
	awaitEventAbout(t, corev1.ObjectReference{Kind: "NftGatewayHost", Namespace: lab.OperatorNamespace, Name: host}, corev1.EventTypeNormal, reason)
}

func awaitEventAbout(t *testing.T, object corev1.ObjectReference, kind, reason string) {
	t.Helper()
	clients, err := kubernetes.NewForConfig(the.kube.Config)
	must(t, err)
	await(t, fmt.Sprintf("a %s Event %s about %s", kind, reason, object.Name), func() error {
		events, err := clients.EventsV1().Events(object.Namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, event := range events.Items {
			about := event.Regarding.Kind == object.Kind && event.Regarding.Name == object.Name
			if about && event.Type == kind && event.Reason == reason {
				return nil
			}
		}
		return fmt.Errorf("%d other events", len(events.Items))
	})
}
