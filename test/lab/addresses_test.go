package lab

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestAssignAddresses(t *testing.T) {
	plane := controlPlane(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := plane.AssignFromPools(ctx, LoadBalancerNetworks...); err != nil {
		t.Fatal(err)
	}
	kubectl := func(arguments ...string) string {
		t.Helper()
		output, err := plane.Kubectl(ctx, arguments...)
		if err != nil {
			t.Fatal(err)
		}
		return output
	}
	awaitIngress := func(service, want string) {
		t.Helper()
		err := await(10*time.Second, func() error {
			got := kubectl("get", "service", service, "--output=jsonpath={range .status.loadBalancer.ingress[*]}{.ip}{.hostname} {end}")
			if got != want {
				return fmt.Errorf("Service %s has %q, want %q", service, got, want)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}

	for _, name := range []string{"one", "two"} {
		kubectl("create", "service", "loadbalancer", name, "--tcp=80")
	}
	awaitIngress("one", "203.0.113.1 ")
	awaitIngress("two", "203.0.113.2 ")

	kubectl("annotate", "service", "one", AddressesAnnotation+"=203.0.113.9,2001:db8:1b::9,lb.example.org")
	awaitIngress("one", "203.0.113.9 2001:db8:1b::9 lb.example.org ")
	kubectl("patch", "service", "one", "--subresource=status", "--type=merge",
		`--patch={"status":{"conditions":[{"type":"Kept","status":"True","reason":"Test","message":"","lastTransitionTime":"2030-01-01T00:00:00Z"}]}}`)
	kubectl("annotate", "--overwrite", "service", "one", AddressesAnnotation+"=")
	awaitIngress("one", "")
	if kept := kubectl("get", "service", "one", "--output=jsonpath={.status.conditions[0].type}"); kept != "Kept" {
		t.Errorf("the condition that another wrote is %q", kept)
	}

	cancel()
	if err := plane.AssignAddresses(context.Background(), "default", "two", "2001:db8:1b::2"); err != nil {
		t.Fatal(err)
	}
	ctx = context.Background()
	awaitIngress("two", "2001:db8:1b::2 ")
}
