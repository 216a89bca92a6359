package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NftGatewayHost tells what one host of an NftGateway does. The operator makes
// one for each host; it is read, never written, by people.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=nftgwh,categories=nft-operator
// +kubebuilder:printcolumn:name="Address",type=string,JSONPath=`.status.address`
// +kubebuilder:printcolumn:name="Reachable",type=string,JSONPath=`.status.conditions[?(@.type=="Reachable")].status`
// +kubebuilder:printcolumn:name="Programmed",type=string,JSONPath=`.status.conditions[?(@.type=="Programmed")].status`
// +kubebuilder:printcolumn:name="Degraded",type=string,JSONPath=`.status.conditions[?(@.type=="Degraded")].status`
// +kubebuilder:printcolumn:name="Open",type=integer,JSONPath=`.status.openServices`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Programmed")].reason`
// +kubebuilder:printcolumn:name="Applied",type=date,JSONPath=`.status.lastChangeTime`
// +kubebuilder:printcolumn:name="Nft",type=string,priority=1,JSONPath=`.status.versions.nft`
// +kubebuilder:printcolumn:name="Kernel",type=string,priority=1,JSONPath=`.status.versions.kernel`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Programmed")].message`
type NftGatewayHost struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// status is what was seen on the host.
	// +optional
	Status NftGatewayHostStatus `json:"status,omitempty"`
}

// NftGatewayHostList is a list of NftGatewayHosts.
//
// +kubebuilder:object:root=true
type NftGatewayHostList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []NftGatewayHost `json:"items"`
}

// Condition types of NftGateway and NftGatewayHost.
const (
	// ConditionAccepted: the spec makes sense and what it refers to is there.
	ConditionAccepted = "Accepted"
	// ConditionReachable: the operator can log in to the host.
	ConditionReachable = "Reachable"
	// ConditionProgrammed: the intended ruleset was applied, and the kernel
	// holds it.
	ConditionProgrammed = "Programmed"
	// ConditionDegraded: something needs a person, the reason says what.
	ConditionDegraded = "Degraded"
	// ConditionRemoved: the NftGateway is being deleted, and the operator's
	// tables and files are gone from the host.
	ConditionRemoved = "Removed"
)

// ServiceConditionProgrammed is the condition that Services get: True when
// every gateway host that should open the Service has done so.
const ServiceConditionProgrammed = "nft-operator.io/Programmed"

// AnnotationCheck on an NftGateway: when its value changes, every host is
// compared with the intent at once.
const AnnotationCheck = "nft-operator.io/check"

// Labels of an NftGatewayHost.
const (
	// LabelGateway holds the name of the NftGateway.
	LabelGateway = "nft-operator.io/gateway"
	// LabelHost holds the name of the host in spec.hosts.
	LabelHost = "nft-operator.io/host"
)

// NftGatewayHostStatus is what was seen on the host.
type NftGatewayHostStatus struct {
	// observedGeneration is the generation of the NftGateway that this status is of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// address that SSH connects to, with the port.
	// +optional
	Address string `json:"address,omitempty"`
	// intendedRevision is a hash of what the host should enforce.
	// +optional
	IntendedRevision string `json:"intendedRevision,omitempty"`
	// appliedRevision is the hash of what the host was last seen to enforce.
	// +optional
	AppliedRevision string `json:"appliedRevision,omitempty"`
	// appliedStructure is the hash of the part of it that is not openings of
	// Services: where it is not the intended one, the host waits for its turn
	// in a rollout, or took the change back.
	// +optional
	AppliedStructure string `json:"appliedStructure,omitempty"`
	// lastRollback is the last change that the host took back by itself,
	// because nobody could log in anew after it.
	// +optional
	LastRollback *Rollback `json:"lastRollback,omitempty"`
	// lastDriftTime is when somebody else's change of the ruleset was last
	// found and repaired. An Event of that time says what it was.
	// +optional
	LastDriftTime *metav1.Time `json:"lastDriftTime,omitempty"`
	// boot says how the ruleset is loaded when the host starts: Unit by a
	// systemd unit, before the network is up; NoSystemd not by the operator,
	// because the host has no systemd.
	// +optional
	Boot string `json:"boot,omitempty"`
	// lastChangeTime is when the host's ruleset was last changed by the operator.
	// +optional
	LastChangeTime *metav1.Time `json:"lastChangeTime,omitempty"`
	// lastCheckTime is when the host's ruleset was last compared with the intent.
	// +optional
	LastCheckTime *metav1.Time `json:"lastCheckTime,omitempty"`
	// openServices is the number of Services with at least one opening.
	// +optional
	OpenServices int32 `json:"openServices"`
	// refusedServices is the number of Services that are refused, in whole or in part.
	// +optional
	RefusedServices int32 `json:"refusedServices"`
	// refusals tell why, for the first of them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Refusals []Refusal `json:"refusals,omitempty"`
	// versions found on the host.
	// +optional
	Versions *Versions `json:"versions,omitempty"`
	// drops counts what was dropped since the counters were last created.
	// +optional
	// +listType=map
	// +listMapKey=reason
	Drops []Drop `json:"drops,omitempty"`
	// rateLimiting says what keeps the rates of Services on this host.
	// +optional
	RateLimiting *HostRateLimiting `json:"rateLimiting,omitempty"`
	// overLimit are the Services of which most packets were dropped over their
	// limits since the counters were last created.
	// +optional
	// +listType=map
	// +listMapKey=service
	// +kubebuilder:validation:MaxItems=20
	OverLimit []OverLimit `json:"overLimit,omitempty"`
	// conditions: Accepted, Reachable, Programmed, Degraded.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Rollback is a change that a host took back.
type Rollback struct {
	// revision that was taken back.
	// +optional
	Revision string `json:"revision,omitempty"`
	// structure that was taken back.
	// +optional
	Structure string `json:"structure,omitempty"`
	// time when that was, by the host's clock.
	// +optional
	Time *metav1.Time `json:"time,omitempty"`
}

// Refusal is one Service, or a part of it, that stays closed.
type Refusal struct {
	// service as namespace/name.
	Service string `json:"service"`
	// reason in one word.
	Reason string `json:"reason"`
	// message says what is wrong and what to write instead.
	Message string `json:"message"`
}

// Versions are what the host runs.
type Versions struct {
	// nft is the version of the nft command.
	// +optional
	Nft string `json:"nft,omitempty"`
	// kernel is the release of the running kernel.
	// +optional
	Kernel string `json:"kernel,omitempty"`
	// python is the version of the interpreter that the apply ran in.
	// +optional
	Python string `json:"python,omitempty"`
	// os is the name of the distribution.
	// +optional
	OS string `json:"os,omitempty"`
}

// Drop is a count of dropped packets.
type Drop struct {
	// reason is the name of the counter in the ruleset.
	Reason string `json:"reason"`
	// packets dropped.
	Packets int64 `json:"packets"`
	// bytes dropped.
	Bytes int64 `json:"bytes"`
}

// HostRateLimiting is what keeps rate limits on one host.
type HostRateLimiting struct {
	// engine that runs: Nftables.
	Engine string `json:"engine"`
	// because says why this one.
	// +optional
	Because string `json:"because,omitempty"`
}

// OverLimit is a count of packets to one Service that were dropped because they
// were over its limits.
type OverLimit struct {
	// service as namespace/name.
	Service string `json:"service"`
	// packets dropped.
	Packets int64 `json:"packets"`
	// bytes dropped, as far as they are counted: tc counts packets only.
	Bytes int64 `json:"bytes"`
}
