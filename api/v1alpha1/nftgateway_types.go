package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// NftGateway is a group of Linux hosts that form one external gateway. Every
// host of it opens the same Services.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=nftgw,categories=nft-operator
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Programmed",type=string,JSONPath=`.status.conditions[?(@.type=="Programmed")].status`
// +kubebuilder:printcolumn:name="Hosts",type=string,JSONPath=`.status.hosts`,description="Hosts that run the intended ruleset, of all"
// +kubebuilder:printcolumn:name="Open",type=integer,JSONPath=`.status.openServices`,description="Services with at least one opening"
// +kubebuilder:printcolumn:name="Refused",type=integer,JSONPath=`.status.refusedServices`,description="Services refused in whole or in part"
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Programmed")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="the name of an NftGateway may have at most 63 characters; choose a shorter one"
// +kubebuilder:validation:XValidation:rule="self.spec.hosts.all(h, has(h.publicInterfaces) || has(self.spec.publicInterfaces))",message="each host needs the name of its public interface: write spec.publicInterfaces for all hosts, or publicInterfaces in each entry of spec.hosts"
type NftGateway struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the administrator wants the gateway to do.
	// +required
	Spec NftGatewaySpec `json:"spec"`
	// status sums up what the hosts do; each host tells more in its NftGatewayHost.
	// +optional
	Status NftGatewayStatus `json:"status,omitempty"`
}

// NftGatewayList is a list of NftGateways.
//
// +kubebuilder:object:root=true
type NftGatewayList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []NftGateway `json:"items"`
}

// NftGatewaySpec is the administrator's intent.
//
// +kubebuilder:validation:XValidation:rule="self.hosts.all(a, self.hosts.exists_one(b, a.address == b.address && (has(a.port) ? a.port : self.ssh.port) == (has(b.port) ? b.port : self.ssh.port)))",fieldPath=".hosts",message="two hosts have the same address and port; each entry of spec.hosts must be a box of its own"
type NftGatewaySpec struct {
	// hosts are the Linux boxes that make up this gateway, each reached over SSH.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="size(self) > 0",message="a gateway needs at least one host: write an entry with name and address for each box"
	// +kubebuilder:validation:XValidation:rule="self.all(a, self.exists_one(b, a.name == b.name))",message="two hosts have the same name; each entry of spec.hosts needs a name of its own"
	Hosts []GatewayHost `json:"hosts"`

	// publicInterfaces are the network interfaces that face the outside, on
	// every host that names none itself. Everything that enters by another
	// interface counts as the cluster side.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	PublicInterfaces []InterfaceName `json:"publicInterfaces,omitempty"`

	// ssh says how the hosts are reached.
	// +required
	SSH SSH `json:"ssh"`

	// services says which Services this gateway opens, and at which addresses.
	// +required
	Services ServiceSelection `json:"services"`

	// firewall says what is allowed besides Services.
	// +optional
	// +kubebuilder:default={}
	Firewall Firewall `json:"firewall,omitempty"`

	// rateLimiting says what becomes of the rates that Services ask for in
	// annotations, and what whole interfaces get.
	// +optional
	// +kubebuilder:default={}
	RateLimiting RateLimiting `json:"rateLimiting,omitempty"`

	// rollout says how changes of the firewall itself reach the hosts. Openings
	// of Services reach all of them at once.
	// +optional
	// +kubebuilder:default={}
	Rollout Rollout `json:"rollout,omitempty"`

	// deletionPolicy says what becomes of the hosts when this NftGateway is
	// deleted: Retain leaves them as they are, Remove takes the operator's
	// tables and files away and puts back the nftables.conf that was there
	// before. A host that leaves spec.hosts is always left as it is.
	// +optional
	// +kubebuilder:default=Retain
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// Rollout says how changes of the firewall itself reach the hosts: first one of
// them, and the others when that one can still be logged in to.
type Rollout struct {
	// confirmTimeout is how long a host waits to be logged in to anew after a
	// change that could cut the way in. When nobody could, the host takes the
	// change back by itself. In minutes and seconds, from 5s to 10m, for
	// example 30s or 1m30s.
	// +optional
	// +kubebuilder:default="30s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+m)?([0-9]+s)?$') && size(self) > 0 && duration(self) >= duration('5s') && duration(self) <= duration('10m')",message="a time in minutes and seconds, from 5s to 10m, for example 30s or 1m30s"
	ConfirmTimeout *metav1.Duration `json:"confirmTimeout,omitempty"`

	// maxUnavailable is how many hosts may be changed at one time, once a first
	// one was changed and could be logged in to: a number, or a percentage of
	// the hosts, rounded down, but at least one host.
	// +optional
	// +kubebuilder:default="25%"
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1 && self <= 64 : self.matches('^([1-9][0-9]?|100)%$')",message="a number of hosts, from 1 to 64, or a percentage of them, from 1% to 100%, for example 2 or 25%"
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}

// DefaultConfirmTimeout is what spec.rollout.confirmTimeout is where it is left out.
const DefaultConfirmTimeout = 30 * time.Second

// ConfirmTimeoutOrDefault is how long hosts wait to be logged in to anew.
func (r Rollout) ConfirmTimeoutOrDefault() time.Duration {
	if r.ConfirmTimeout == nil {
		return DefaultConfirmTimeout
	}
	return r.ConfirmTimeout.Duration
}

// MaxUnavailableOf is how many of so many hosts may be changed at one time.
func (r Rollout) MaxUnavailableOf(hosts int) int {
	most := intstr.FromString("25%")
	if r.MaxUnavailable != nil {
		most = *r.MaxUnavailable
	}
	count, err := intstr.GetScaledValueFromIntOrPercent(&most, hosts, false)
	if err != nil { // the API server lets no such text in
		return 1
	}
	return max(1, count)
}

// DeletionPolicy says what becomes of the hosts of a deleted NftGateway.
//
// +kubebuilder:validation:Enum=Retain;Remove
type DeletionPolicy string

const (
	// DeletionRetain leaves the hosts as they are.
	DeletionRetain DeletionPolicy = "Retain"
	// DeletionRemove takes the operator's tables and files away.
	DeletionRemove DeletionPolicy = "Remove"
)

// GatewayHost is one Linux box.
type GatewayHost struct {
	// name of the host, unique within the gateway: lower-case letters, digits and '-'.
	// +required
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="a host name has lower-case letters, digits and '-', and starts and ends with a letter or digit, for example gw1"
	Name string `json:"name"`

	// address is the IPv4 or IPv6 address, or the DNS name, that SSH connects to.
	// +required
	Address HostAddress `json:"address"`

	// port that SSH connects to, where it differs from spec.ssh.port.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port *int32 `json:"port,omitempty"`

	// sshdPort is the port that the host's SSH server itself listens on, where a
	// port forwarding on the way makes it another than the one connected to. It
	// is the port that the failsafe keeps open.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	SSHDPort *int32 `json:"sshdPort,omitempty"`

	// user that SSH logs in as, where it differs from spec.ssh.user.
	// +optional
	User *UserName `json:"user,omitempty"`

	// publicInterfaces of this host, where they differ from spec.publicInterfaces.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	PublicInterfaces []InterfaceName `json:"publicInterfaces,omitempty"`
}

// InterfaceName is the name of a Linux network interface, for example eth0.
//
// +kubebuilder:validation:MaxLength=64
// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}$')",message="an interface is written as 'ip link' shows it, at most 15 letters, digits and _ . : @ -, for example eth0 or bond0.100; wildcards are not supported"
type InterfaceName string

// HostAddress is an IP address or a DNS name.
//
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:XValidation:rule="isIP(self) || self.matches('^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$')",message="an address is an IPv4 or IPv6 address without prefix length, or a DNS name, for example 192.0.2.1, 2001:db8::1 or gw1.example.org"
type HostAddress string

// UserName is the name of a Unix account.
//
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z_][a-z0-9_-]*$')",message="a user is a Unix account name: lower-case letters, digits, '_' and '-', not starting with a digit"
type UserName string

// CIDR is an IPv4 or IPv6 range.
//
// +kubebuilder:validation:MaxLength=43
// +kubebuilder:validation:XValidation:rule="isCIDR(self)",message="a range is written as address/length, for example 192.0.2.0/24, 192.0.2.1/32 or 2001:db8::/32"
type CIDR string

// IPAddress is one IPv4 or IPv6 address.
//
// +kubebuilder:validation:MaxLength=39
// +kubebuilder:validation:XValidation:rule="isIP(self)",message="an IPv4 or IPv6 address without prefix length, for example 192.0.2.1 or 2001:db8::1"
type IPAddress string

// Become says how root rights are got after login.
//
// +kubebuilder:validation:Enum=Sudo;None
type Become string

const (
	// BecomeSudo runs the change through sudo, without a password.
	BecomeSudo Become = "Sudo"
	// BecomeNone runs the change as the login user, who must then be root.
	BecomeNone Become = "None"
)

// SSH says how hosts are reached.
type SSH struct {
	// user that logs in.
	// +optional
	// +kubebuilder:default=root
	User UserName `json:"user,omitempty"`

	// port of the SSH server.
	// +optional
	// +kubebuilder:default=22
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`

	// privateKeySecretRef names a Secret of type kubernetes.io/ssh-auth in the
	// namespace of this NftGateway. Its key ssh-privatekey holds the private
	// key, without a passphrase; its key known_hosts may hold the hosts' public
	// keys.
	// +required
	PrivateKeySecretRef SecretReference `json:"privateKeySecretRef"`

	// knownHosts holds the hosts' public keys, the jump host's too, in the form
	// of OpenSSH's known_hosts file (what ssh-keyscan prints). Together with
	// the Secret's known_hosts it must name every host: a host whose key is not
	// known, or differs, is not connected to.
	// +optional
	// +kubebuilder:validation:MaxLength=65536
	KnownHosts string `json:"knownHosts,omitempty"`

	// jumpHost is an SSH server through which the hosts are reached.
	// +optional
	JumpHost *JumpHost `json:"jumpHost,omitempty"`

	// become says how root rights are got after login: Sudo (without a
	// password), or None where the user is root already.
	// +optional
	// +kubebuilder:default=Sudo
	Become Become `json:"become,omitempty"`

	// connectTimeoutSeconds is how long one connection may take to open.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=120
	ConnectTimeoutSeconds int32 `json:"connectTimeoutSeconds,omitempty"`
}

// SecretReference names a Secret in the same namespace.
type SecretReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// JumpHost is an SSH server on the way to the hosts. It is entered with the
// same private key.
type JumpHost struct {
	// address of the jump host.
	// +required
	Address HostAddress `json:"address"`
	// port of its SSH server.
	// +optional
	// +kubebuilder:default=22
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`
	// user that logs in there; spec.ssh.user where it is left out.
	// +optional
	User *UserName `json:"user,omitempty"`
}

// ServiceSelection says which Services are opened. A Service must pass every
// part of it.
type ServiceSelection struct {
	// selector picks Services by their labels; all where it is left out.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!has(self.matchExpressions) || self.matchExpressions.all(e, e.operator in ['In', 'NotIn'] ? has(e.values) && size(e.values) > 0 : e.operator in ['Exists', 'DoesNotExist'] && (!has(e.values) || size(e.values) == 0))",message="write matchLabels, or matchExpressions with operator In or NotIn and values, or Exists or DoesNotExist without"
	Selector *metav1.LabelSelector `json:"selector,omitempty"`

	// namespaceSelector picks Services by the labels of their namespace; all
	// namespaces where it is left out.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!has(self.matchExpressions) || self.matchExpressions.all(e, e.operator in ['In', 'NotIn'] ? has(e.values) && size(e.values) > 0 : e.operator in ['Exists', 'DoesNotExist'] && (!has(e.values) || size(e.values) == 0))",message="write matchLabels, or matchExpressions with operator In or NotIn and values, or Exists or DoesNotExist without"
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`

	// loadBalancerClasses picks Services by spec.loadBalancerClass; the empty
	// string stands for Services that name no class. All where it is left out.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=253
	LoadBalancerClasses []string `json:"loadBalancerClasses,omitempty"`

	// allowedCIDRs are the ranges that load balancer addresses come from. A
	// Service with an address outside of them stays closed there: without this
	// bound, whoever can write a Service's status could open any address.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="size(self) > 0",message="write the ranges that load balancer addresses come from, at least one"
	AllowedCIDRs []CIDR `json:"allowedCIDRs"`
}

// DefaultAction is what happens to traffic from the public side that nothing allows.
//
// +kubebuilder:validation:Enum=Drop;Accept
type DefaultAction string

const (
	// DefaultActionDrop drops it.
	DefaultActionDrop DefaultAction = "Drop"
	// DefaultActionAccept lets it pass and counts it, for testing.
	DefaultActionAccept DefaultAction = "Accept"
)

// EstablishedConnections is what happens to connections whose Service is no
// longer open for them.
//
// +kubebuilder:validation:Enum=Keep;Terminate
type EstablishedConnections string

const (
	// EstablishedKeep lets them end by themselves.
	EstablishedKeep EstablishedConnections = "Keep"
	// EstablishedTerminate drops their packets at once.
	EstablishedTerminate EstablishedConnections = "Terminate"
)

// PublicAccess says whether something is reachable from the public side.
//
// +kubebuilder:validation:Enum=Deny;Allow
type PublicAccess string

const (
	// PublicAccessDeny keeps it closed from the public side.
	PublicAccessDeny PublicAccess = "Deny"
	// PublicAccessAllow opens it for the sources or peers that are named.
	PublicAccessAllow PublicAccess = "Allow"
)

// Firewall says what is allowed besides Services.
type Firewall struct {
	// defaultAction is what happens to traffic from the public side that
	// nothing allows: Drop, or Accept to let it pass and only count it, for
	// testing.
	// +optional
	// +kubebuilder:default=Drop
	DefaultAction DefaultAction `json:"defaultAction,omitempty"`

	// establishedConnections is what happens to connections to a load balancer
	// address when their Service is closed or no longer admits their source:
	// Keep lets them end by themselves, Terminate cuts them. Replies to
	// connections that the cluster opened itself always pass.
	// +optional
	// +kubebuilder:default=Keep
	EstablishedConnections EstablishedConnections `json:"establishedConnections,omitempty"`

	// managementCIDRs are the ranges from which SSH to the gateway host is
	// always allowed, by whatever interface, before any other rule. SSH from
	// the cluster side is always allowed and need not be named here.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	ManagementCIDRs []CIDR `json:"managementCIDRs,omitempty"`

	// ssh says whether SSH to the gateway host is open from the public side.
	// +optional
	// +kubebuilder:default={publicAccess: Deny}
	SSH PublicSSH `json:"ssh,omitempty"`

	// bgp says whether BGP to the gateway host is open from the public side.
	// +optional
	// +kubebuilder:default={publicAccess: Deny}
	BGP PublicBGP `json:"bgp,omitempty"`

	// icmp says which echo requests (ping) are answered. The ICMP and ICMPv6
	// types that a router must pass always pass.
	// +optional
	// +kubebuilder:default={}
	ICMP ICMP `json:"icmp,omitempty"`
}

// PublicSSH says whether SSH is open from the public side.
//
// +kubebuilder:validation:XValidation:rule="self.publicAccess != 'Allow' || (has(self.sources) && size(self.sources) > 0)",message="publicAccess: Allow needs sources; write 0.0.0.0/0 and ::/0 to mean everybody"
// +kubebuilder:validation:XValidation:rule="self.publicAccess != 'Deny' || !has(self.sources) || size(self.sources) == 0",message="sources have no effect while publicAccess is Deny; write publicAccess: Allow, or remove the sources"
type PublicSSH struct {
	// publicAccess opens SSH from the public side for the sources named (Allow), or not (Deny).
	// +optional
	// +kubebuilder:default=Deny
	PublicAccess PublicAccess `json:"publicAccess,omitempty"`
	// sources that may connect.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	Sources []CIDR `json:"sources,omitempty"`
}

// PublicBGP says whether BGP is open from the public side.
//
// +kubebuilder:validation:XValidation:rule="self.publicAccess != 'Allow' || (has(self.peers) && size(self.peers) > 0)",message="publicAccess: Allow needs the addresses of the BGP peers"
// +kubebuilder:validation:XValidation:rule="self.publicAccess != 'Deny' || !has(self.peers) || size(self.peers) == 0",message="peers have no effect while publicAccess is Deny; write publicAccess: Allow, or remove the peers"
type PublicBGP struct {
	// publicAccess opens BGP (TCP port 179) from the public side for the peers named (Allow), or not (Deny).
	// +optional
	// +kubebuilder:default=Deny
	PublicAccess PublicAccess `json:"publicAccess,omitempty"`
	// peers are the addresses that may connect.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	Peers []IPAddress `json:"peers,omitempty"`
}

// EchoAction is what happens to echo requests.
//
// +kubebuilder:validation:Enum=Limit;Drop
type EchoAction string

const (
	// EchoLimit lets them pass up to a rate per source.
	EchoLimit EchoAction = "Limit"
	// EchoDrop drops them.
	EchoDrop EchoAction = "Drop"
)

// ICMP says which echo requests pass.
type ICMP struct {
	// gatewayEcho is for echo requests from the public side to the gateway
	// host itself: Limit lets them pass up to echoPerSecond per source.
	// +optional
	// +kubebuilder:default=Limit
	GatewayEcho EchoAction `json:"gatewayEcho,omitempty"`
	// serviceEcho is for echo requests to addresses at which a Service is
	// open: Limit lets them pass up to echoPerSecond per source.
	// +optional
	// +kubebuilder:default=Drop
	ServiceEcho EchoAction `json:"serviceEcho,omitempty"`
	// echoPerSecond is the number of echo requests per second and source
	// address that Limit lets pass.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	EchoPerSecond int32 `json:"echoPerSecond,omitempty"`
}

// RateLimitEngine is what keeps rate limits on a host.
//
// +kubebuilder:validation:Enum=Auto;Nftables;TrafficControl
type RateLimitEngine string

const (
	// RateLimitAuto takes the best one that the host has.
	RateLimitAuto RateLimitEngine = "Auto"
	// RateLimitNftables is a table of nftables, beside that of the firewall.
	RateLimitNftables RateLimitEngine = "Nftables"
	// RateLimitTrafficControl is tc, for the rates of Services in bits or bytes.
	RateLimitTrafficControl RateLimitEngine = "TrafficControl"
)

// RateLimitMode is what happens to packets that are over a limit.
//
// +kubebuilder:validation:Enum=Police;Shape
type RateLimitMode string

const (
	// RateLimitPolice drops them.
	RateLimitPolice RateLimitMode = "Police"
	// RateLimitShape lets them wait. Only tc can.
	RateLimitShape RateLimitMode = "Shape"
)

// OnInvalidRateLimit is what becomes of a Service with a rate limit that cannot
// be read.
//
// +kubebuilder:validation:Enum=Default;Closed
type OnInvalidRateLimit string

const (
	// OnInvalidDefault opens it with the gateway's default in the place of what
	// cannot be read, and warns.
	OnInvalidDefault OnInvalidRateLimit = "Default"
	// OnInvalidClosed keeps the whole Service closed.
	OnInvalidClosed OnInvalidRateLimit = "Closed"
)

// DataRate is a rate of data as in a Service's annotation
// nft-operator.io/rate-limit, for example 16mbit burst 256 kbytes, 10 MB/s or
// 400 packets/second.
//
// +kubebuilder:validation:MaxLength=128
type DataRate string

// RateLimiting says what becomes of the rates that Services ask for, and what
// whole interfaces get.
//
// +kubebuilder:validation:XValidation:rule="!has(self.mode) || self.mode != 'Shape' || !has(self.engine) || self.engine != 'Nftables'",fieldPath=".mode",message="mode: Shape needs tc; write engine: Auto or TrafficControl"
type RateLimiting struct {
	// engine is what keeps the limits of Services on the hosts: Nftables,
	// TrafficControl for tc, or Auto for the best that a host has. The
	// NftGatewayHost says which runs there, and why.
	// +optional
	// +kubebuilder:default=Auto
	Engine RateLimitEngine `json:"engine,omitempty"`

	// mode is what happens to packets that are over the rate of a Service:
	// Police drops them, Shape lets them wait for their turn, which only tc can.
	// What is over any other limit is dropped in both.
	// +optional
	// +kubebuilder:default=Police
	Mode RateLimitMode `json:"mode,omitempty"`

	// default is the limit of each Service that names no rate of its own, or
	// one that cannot be read, over all its clients and ports; no limit where it
	// is left out. It is written as in the annotation nft-operator.io/rate-limit.
	// +optional
	Default DataRate `json:"default,omitempty"`

	// max is what no Service gets more of, over all its clients and ports,
	// whatever it or default names. It is written as in the annotation
	// nft-operator.io/rate-limit.
	// +optional
	Max DataRate `json:"max,omitempty"`

	// onInvalid is what becomes of a Service with an annotation for its rates
	// that cannot be read: Default opens it, with spec.rateLimiting.default in
	// the place of its rate, and warns; Closed keeps it closed.
	// +optional
	// +kubebuilder:default=Default
	OnInvalid OnInvalidRateLimit `json:"onInvalid,omitempty"`

	// interfaces are limits of whole interfaces, over everything that passes the
	// gateway by them, whatever the Service. What is for the gateway itself, or
	// from it, is never held back. Each interface must be there on every host.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Interfaces []InterfaceLimit `json:"interfaces,omitempty"`
}

// InterfaceLimit is what may pass by one interface.
//
// +kubebuilder:validation:XValidation:rule="(has(self.ingress) && size(self.ingress) > 0) || (has(self.egress) && size(self.egress) > 0)",message="an interface needs a limit: write ingress, egress or both, for example egress: 1 Gbit/s"
type InterfaceLimit struct {
	// name of the interface. It may be a public one or one of the cluster side.
	// +required
	Name InterfaceName `json:"name"`

	// ingress is the limit of what comes in by the interface and is forwarded;
	// no limit where it is left out. It is written as in the annotation
	// nft-operator.io/rate-limit.
	// +optional
	Ingress DataRate `json:"ingress,omitempty"`

	// egress is the limit of what is forwarded and goes out by the interface; no
	// limit where it is left out. It is written as in the annotation
	// nft-operator.io/rate-limit.
	// +optional
	Egress DataRate `json:"egress,omitempty"`
}

// NftGatewayStatus sums up what the hosts do.
type NftGatewayStatus struct {
	// observedGeneration is the generation of the spec that this status is of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// hosts is the number of hosts that run the intended ruleset, of all, as "2/2".
	// +optional
	Hosts string `json:"hosts,omitempty"`
	// openServices is the number of Services with at least one opening.
	// +optional
	OpenServices int32 `json:"openServices"`
	// refusedServices is the number of Services that are refused, in whole or in part.
	// +optional
	RefusedServices int32 `json:"refusedServices"`
	// conditions: Accepted (the spec makes sense), Programmed (every host runs
	// the intended ruleset, as its kernel says), Degraded (something needs a person).
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// SSHPort is the port that SSH to the host connects to.
func (s *NftGatewaySpec) SSHPort(host GatewayHost) int32 {
	if host.Port != nil {
		return *host.Port
	}
	return s.SSH.Port
}

// SSHUser is the account that SSH to the host logs in as.
func (s *NftGatewaySpec) SSHUser(host GatewayHost) UserName {
	if host.User != nil {
		return *host.User
	}
	return s.SSH.User
}

// InterfacesOf are the public interfaces of the host.
func (s *NftGatewaySpec) InterfacesOf(host GatewayHost) []InterfaceName {
	if len(host.PublicInterfaces) > 0 {
		return host.PublicInterfaces
	}
	return s.PublicInterfaces
}

// KnownHostsKey is the key that may hold known hosts in the Secret with the
// private key.
const KnownHostsKey = "known_hosts"
