package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/test/lab"
	"github.com/nft-operator/nft-operator/test/lab/apply"
)

// conntrackAlone is the least that a gateway can do that knows connections.
const conntrackAlone = `table inet conntrack_alone {
	chain forward {
		type filter hook forward priority filter; policy accept;
		ct state established,related accept
	}
}
`

// oneRulePerService is the layout of the ancestor, nft_operator: a rule for each
// Service, and the one for known connections behind all of them.
func oneRulePerService(services []*corev1.Service) string {
	var rules strings.Builder
	for _, service := range services {
		for _, port := range service.Spec.Ports {
			fmt.Fprintf(&rules, "\t\tip daddr %s %s dport %d accept\n",
				service.Status.LoadBalancer.Ingress[0].IP, strings.ToLower(string(port.Protocol)), port.Port)
		}
	}
	return fmt.Sprintf(`table inet one_rule_per_service {
	chain forward {
		type filter hook forward priority filter; policy drop;
%s		ct state established,related accept
	}
}
`, &rules)
}

// servicesWithLast are so many, the last of which takes the packets. Of so large a
// part of them, the last among those, the sources are restricted.
func servicesWithLast(count int, restricted float64) []*corev1.Service {
	var services []*corev1.Service
	for number := range count - 1 {
		services = append(services, otherService(number))
	}
	services = append(services, newService("last", lastDoor(), lab.TCP, lab.UDP))
	for number := count - 1; number >= 0 && float64(count-1-number) < restricted*float64(count); number-- {
		services[number].Spec.LoadBalancerSourceRanges = []string{lab.PublicNetworks[0].String(), "192.0.2.128/25"}
	}
	return services
}

// applyServices has the playbook bring a gateway to the Services.
func applyServices(ctx context.Context, net *lab.Topology, gateway *lab.Gateway, services []*corev1.Service) error {
	progress("%d Services on %s", len(services), gateway.Name)
	runner, err := openRunner()
	if err != nil {
		return err
	}
	listed := make([]corev1.Service, len(services))
	for i, service := range services {
		listed[i] = *service
	}
	run, err := apply.RunOf(runner, gateway, net.Key, apply.SpecOf(gateway), listed)
	if err != nil {
		return err
	}
	reports, err := runner.Run(ctx, run)
	if err != nil {
		return err
	}
	report := reports[apply.HostName]
	if report.Reason != "" || report.Outcome.Revision != run.Targets[0].Revision {
		return fmt.Errorf("apply %d Services on %s: %s: %s", len(services), gateway.Name, report.Reason, report.Message)
	}
	return nil
}

// openRunner makes once what runs playbooks without an operator.
var openRunner = sync.OnceValues(func() (ansible.PlaybookRunner, error) { return apply.OpenRunner(2 * time.Minute) })
