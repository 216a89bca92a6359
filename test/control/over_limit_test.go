package control

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
)

// overLimit is the metric of that for a host of the gateway edge, by Service.
func overLimit(t *testing.T, host string) map[string]float64 {
	t.Helper()
	return gauges(t, "nft_operator_service_over_limit_packets", host, "service")
}

// gauges are a metric for a host of the gateway edge, by the values of labels.
func gauges(t *testing.T, name, host string, by ...string) map[string]float64 {
	t.Helper()
	families, err := ctrlmetrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, pair := range metric.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			if labels["gateway"] == edge && labels["host"] == edge+"."+host {
				var key []string
				for _, label := range by {
					key = append(key, labels[label])
				}
				values[strings.Join(key, " ")] = metric.GetGauge().GetValue()
			}
		}
	}
	return values
}

// TestWhoIsOverItsLimitIsTold: in the status the first of them, in the metric all
// that the host names, and those only.
func TestWhoIsOverItsLimitIsTold(t *testing.T) {
	openEdge(t, "gw1", "gw2")
	operator := startOperator(t, withPeriod(time.Second))
	awaitProgrammed(t, edge)
	operator.runner.boxes.on("gw1", func(host *box) {
		for number := range 30 {
			host.limits.Over = append(host.limits.Over, ansible.OverLimit{Service: fmt.Sprintf("shop/web-%d", number), Packets: int64(1000 - number), Bytes: 64000})
		}
	})
	await(t, "the status to tell of them", func() error {
		host, err := hostOf(t, edge, "gw1")
		if err == nil && len(host.Status.OverLimit) != 20 {
			err = fmt.Errorf("status is %+v", host.Status)
		}
		return err
	})
	host := awaitHost(t, edge, "gw1", v1alpha1.ConditionProgrammed, metav1.ConditionTrue, "Programmed")
	if first := host.Status.OverLimit[0]; first != (v1alpha1.OverLimit{Service: "shop/web-0", Packets: 1000, Bytes: 64000}) {
		t.Errorf("the first is %+v", first)
	}
	if engine := host.Status.RateLimiting; engine == nil || *engine != (v1alpha1.HostRateLimiting{Engine: "Nftables", Because: "scripted by a test"}) {
		t.Errorf("the engine is %+v", engine)
	}
	if packets := overLimit(t, "gw1"); len(packets) != 30 || packets["shop/web-29"] != 971 {
		t.Errorf("the metric has %v", packets)
	}
	if packets := overLimit(t, "gw2"); len(packets) != 0 {
		t.Errorf("the metric has of gw2 %v", packets)
	}

	operator.runner.boxes.on("gw1", func(host *box) { host.limits.Over = host.limits.Over[1:2] })
	await(t, "the others to be forgotten", func() error {
		host, err := hostOf(t, edge, "gw1")
		if packets := overLimit(t, "gw1"); err == nil && (len(host.Status.OverLimit) != 1 || len(packets) != 1 || packets["shop/web-1"] != 999) {
			err = fmt.Errorf("status is %+v, metric %v", host.Status.OverLimit, packets)
		}
		return err
	})
}

// TestInterfacesOverTheirLimitAreTold in the metric, those only that the host names.
func TestInterfacesOverTheirLimitAreTold(t *testing.T) {
	openEdge(t, "gw1", "gw2")
	operator := startOperator(t, withPeriod(time.Second))
	awaitProgrammed(t, edge)
	told := func(want map[string]float64) {
		t.Helper()
		await(t, "the metric", func() error {
			if got := gauges(t, "nft_operator_interface_over_limit_packets", "gw1", "interface", "direction"); !maps.Equal(got, want) {
				return fmt.Errorf("it has %v, want %v", got, want)
			}
			return nil
		})
	}
	over := []ansible.InterfaceOverLimit{{Name: "eth0", Direction: "egress", Packets: 7}, {Name: "eth0", Direction: "ingress", Packets: 9}}
	operator.runner.boxes.on("gw1", func(host *box) { host.limits.InterfacesOver = over })
	told(map[string]float64{"eth0 egress": 7, "eth0 ingress": 9})
	if got := gauges(t, "nft_operator_interface_over_limit_packets", "gw2", "interface"); len(got) != 0 {
		t.Errorf("the metric has of gw2 %v", got)
	}
	operator.runner.boxes.on("gw1", func(host *box) { host.limits.InterfacesOver = over[:1] })
	told(map[string]float64{"eth0 egress": 7})
}
