package controllers

import (
	"github.com/prometheus/client_golang/prometheus"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
)

// Labels of the metrics.
const (
	labelNamespace = "namespace"
	labelHost      = "host"
	labelGateway   = "gateway"
	labelService   = "service"
	labelInterface = "interface"
	labelDirection = "direction"
)

// What the operator measures, beside controller-runtime's own metrics.
var (
	runsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "nft_operator_runs_total",
		Help: "Attempts to bring a host to its intent, by NftGatewayHost and reason; reason is empty for those that succeeded.",
	}, []string{labelNamespace, labelHost, "reason"})
	changesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "nft_operator_changes_total",
		Help: "Runs that changed something on the host.",
	}, []string{labelNamespace, labelHost})
	rollbacksTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "nft_operator_host_rollbacks_total",
		Help: "Changes that a host took back, because nobody could log in anew after them.",
	}, []string{labelNamespace, labelGateway, labelHost})
	driftTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "nft_operator_host_drift_total",
		Help: "Runs that found, and repaired, what somebody else had changed on the host.",
	}, []string{labelNamespace, labelGateway, labelHost})
	overLimitPackets = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "nft_operator_service_over_limit_packets",
		Help: "Packets to a Service that the host dropped over its limits since its counters were last created, " +
			"for the Services with most of them; service is namespace/name.",
	}, []string{labelNamespace, labelGateway, labelHost, labelService})
	interfaceOverLimitPackets = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "nft_operator_interface_over_limit_packets",
		Help: "Packets that the host dropped over the limit of an interface since its counters were last created; direction is ingress or egress.",
	}, []string{labelNamespace, labelGateway, labelHost, labelInterface, labelDirection})
	openServices = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "nft_operator_services_open",
		Help: "Services with at least one opening, by NftGateway.",
	}, []string{labelNamespace, labelGateway})
	refusedServices = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "nft_operator_services_refused",
		Help: "Services refused in whole or in part, by NftGateway.",
	}, []string{labelNamespace, labelGateway})
	gatewayProgrammed = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "nft_operator_gateway_programmed",
		Help: "1 where every host of the NftGateway runs the intended ruleset, else 0.",
	}, []string{labelNamespace, labelGateway})
)

func init() {
	metrics.Registry.MustRegister(runsTotal, changesTotal, rollbacksTotal, driftTotal, overLimitPackets, interfaceOverLimitPackets,
		openServices, refusedServices, gatewayProgrammed, stageSeconds)
}

func observeRun(host types.NamespacedName, report ansible.Report) {
	runsTotal.WithLabelValues(host.Namespace, host.Name, string(report.Reason)).Inc()
	if report.Outcome.Changed {
		changesTotal.WithLabelValues(host.Namespace, host.Name).Inc()
	}
	if report.Reason != "" {
		return
	}
	if len(report.Outcome.Drift) > 0 {
		driftTotal.With(labelsOf(host)).Inc()
	}
	observeOverLimit(host, report.Outcome.Limits)
}

// mostOverLimit are the series of each of these metrics that a host can have.
const mostOverLimit = 100

// observeOverLimit takes over what a host counted. What it does not name any
// more is not over a limit any more. The role names no more than mostOverLimit, but
// whoever took a host over might.
func observeOverLimit(host types.NamespacedName, limits ansible.Limits) {
	overLimitPackets.DeletePartialMatch(labelsOf(host))
	for _, one := range limits.Over[:min(mostOverLimit, len(limits.Over))] {
		labels := labelsOf(host)
		labels[labelService] = one.Service
		overLimitPackets.With(labels).Set(float64(one.Packets))
	}
	interfaceOverLimitPackets.DeletePartialMatch(labelsOf(host))
	for _, one := range limits.InterfacesOver[:min(mostOverLimit, len(limits.InterfacesOver))] {
		labels := labelsOf(host)
		labels[labelInterface], labels[labelDirection] = one.Name, one.Direction
		interfaceOverLimitPackets.With(labels).Set(float64(one.Packets))
	}
}

func observeRollback(host types.NamespacedName) { rollbacksTotal.With(labelsOf(host)).Inc() }

// labelsOf tell the NftGatewayHost, and its gateway to sum up by.
func labelsOf(host types.NamespacedName) prometheus.Labels {
	gateway, _, _ := gatewayAndHost(host)
	return prometheus.Labels{labelNamespace: host.Namespace, labelGateway: gateway.Name, labelHost: host.Name}
}

func observeGateway(gateway *v1alpha1.NftGateway) {
	openServices.WithLabelValues(gateway.Namespace, gateway.Name).Set(float64(gateway.Status.OpenServices))
	refusedServices.WithLabelValues(gateway.Namespace, gateway.Name).Set(float64(gateway.Status.RefusedServices))
	programmed := 0.0
	if apimeta.IsStatusConditionTrue(gateway.Status.Conditions, v1alpha1.ConditionProgrammed) {
		programmed = 1
	}
	gatewayProgrammed.WithLabelValues(gateway.Namespace, gateway.Name).Set(programmed)
}

func forgetHostMetrics(host types.NamespacedName) {
	labels := prometheus.Labels{labelNamespace: host.Namespace, labelHost: host.Name}
	runsTotal.DeletePartialMatch(labels)
	changesTotal.DeletePartialMatch(labels)
	rollbacksTotal.DeletePartialMatch(labels)
	driftTotal.DeletePartialMatch(labels)
	overLimitPackets.DeletePartialMatch(labels)
	interfaceOverLimitPackets.DeletePartialMatch(labels)
}

func forgetGatewayMetrics(gateway types.NamespacedName) {
	labels := prometheus.Labels{labelNamespace: gateway.Namespace, labelGateway: gateway.Name}
	openServices.DeletePartialMatch(labels)
	refusedServices.DeletePartialMatch(labels)
	gatewayProgrammed.DeletePartialMatch(labels)
}
