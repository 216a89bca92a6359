package main

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/internal/plan"
	"github.com/nft-operator/nft-operator/test/lab"
)

// TestAPlanGrowsWithTheServicesOnly compares what a Service costs among few with
// what it costs among many. It fails where each is compared with all others.
func TestAPlanGrowsWithTheServicesOnly(t *testing.T) {
	const rounds, few, many, most = 7, 500, 5000, 3.0
	var ofFew, ofMany []float64
	for range rounds {
		ofFew = append(ofFew, planSeconds(t, few)/few)
		ofMany = append(ofMany, planSeconds(t, many)/many)
	}
	// The fastest is the one that nothing else was in the way of.
	ratio := slices.Min(ofMany) / slices.Min(ofFew)
	t.Logf("a Service among %d costs %.2f of what one among %d does", many, ratio, few)
	if ratio > most {
		t.Errorf("want at most %.1f", most)
	}
}

// planSeconds is how long it takes to plan and to write down the variables.
func planSeconds(t *testing.T, count int) float64 {
	t.Helper()
	gateway := &v1alpha1.NftGateway{ObjectMeta: metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: edge}}
	for _, network := range lab.LoadBalancerNetworks {
		gateway.Spec.Services.AllowedCIDRs = append(gateway.Spec.Services.AllowedCIDRs, v1alpha1.CIDR(network.String()))
	}
	var services []corev1.Service
	for _, service := range servicesWithLast(count, 0.5) {
		services = append(services, *service)
	}
	began := time.Now()
	planned, err := plan.ForGateway(gateway, services, nil)
	must(t, err)
	vars := ansible.VarsOf(planned)
	_ = vars.Digest()
	took := time.Since(began)
	if len(vars.Exposures.IPv4) != count+1 { // the last one has two ports
		t.Fatalf("%d Services are %d openings", count, len(vars.Exposures.IPv4))
	}
	return took.Seconds()
}
