package plan

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

// Exposure is one opening: packets to this address, protocol and port pass when
// they come from these sources.
type Exposure struct {
	Service  ServiceKey
	Address  netip.Addr
	Protocol Protocol
	Port     uint16
	// Sources are of the family of Address, masked, sorted, none inside
	// another; nil means any. Exposures of one Service share the slice.
	Sources []netip.Prefix
}

// tuple is what only one Service at a time can hold.
type tuple struct {
	address  netip.Addr
	protocol Protocol
	port     uint16
}

// compare looks at the address first and mostly at nothing else: sorting is
// most of the cost of a plan.
func (t *tuple) compare(other *tuple) int {
	if c := t.address.Compare(other.address); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(t.protocol, other.protocol), cmp.Compare(t.port, other.port))
}

// claim is what one Service asks for, before other Services are looked at.
type claim struct {
	service ServiceKey
	created time.Time
	// tuples are sorted and each is there once.
	tuples  []tuple
	sources sourceRanges
	// closed: the Service holds its tuples, but none of them may open.
	closed   bool
	pending  bool
	refusals []Refusal
	limits   ratelimit.Limits
	notices  []Notice
	// openings is known when the claim is settled.
	openings int
}

// claimOf reads what a Service asks for: each address of its status with each
// of its ports, and its limits. A Service that is being deleted asks for it like
// any other: until its finalizers are done the load balancer still owns the
// address and may deliver to it, and removing the object is what closes it.
func claimOf(key ServiceKey, service *corev1.Service, gateway *Gateway) *claim {
	c := &claim{service: key, created: service.CreationTimestamp.Time}
	addresses := c.readAddresses(service.Status.LoadBalancer.Ingress, gateway.Firewall.LoadBalancerRanges)
	c.readSources(service)
	c.readPorts(service.Spec.Ports, addresses)
	c.readLimits(service, &gateway.RateLimiting)
	return c
}

func (c *claim) refuse(reason Reason, format string, args ...any) {
	c.refusals = append(c.refusals, refusal(c.service, reason, format, args...))
}

// readAddresses returns the addresses at which the Service may open.
func (c *claim) readAddresses(ingress []corev1.LoadBalancerIngress, allowed []netip.Prefix) []netip.Addr {
	c.pending = len(ingress) == 0
	named := false
	var addresses []netip.Addr
	for i := range ingress {
		if ingress[i].IP == "" {
			continue
		}
		named = true
		if address, ok := c.readAddress(ingress[i].IP, allowed); ok {
			addresses = append(addresses, address)
		}
	}
	if !named && !c.pending {
		c.refuse(NoAddress, "status.loadBalancer.ingress has no IP address (host name %s); a gateway opens addresses only, use a load balancer that reports them", quote(ingress[0].Hostname))
	}
	return addresses
}

func (c *claim) readAddress(text string, allowed []netip.Prefix) (netip.Addr, bool) {
	address, err := parseAddress(text)
	switch {
	case err != nil:
		c.refuse(InvalidAddress, "status.loadBalancer.ingress: %v", err)
	case !address.IsGlobalUnicast():
		c.refuse(InvalidAddress, "%s is not a unicast address that can be routed to; no gateway can forward to it", address)
	case !coveredBy(allowed, address):
		c.refuse(AddressNotAllowed, "%s is outside spec.services.allowedCIDRs of the gateway; use an address inside, or have the administrator add its range", address)
	default:
		return address, true
	}
	return netip.Addr{}, false
}

func (c *claim) readSources(service *corev1.Service) {
	sources, err := sourceRangesOf(service)
	if err != nil {
		c.closed = true
		c.refuse(InvalidSourceRange, "%v", err)
		return
	}
	c.sources = sources
}

// readPorts combines ports and addresses. Only spec.ports count: node ports,
// the health check's node port and externalIPs are not for the outside.
func (c *claim) readPorts(ports []corev1.ServicePort, addresses []netip.Addr) {
	c.tuples = make([]tuple, 0, len(ports)*len(addresses))
	for i := range ports {
		protocol, port, ok := c.readPort(&ports[i])
		if !ok {
			continue
		}
		for _, address := range addresses {
			c.tuples = append(c.tuples, tuple{address, protocol, port})
		}
	}
	slices.SortFunc(c.tuples, func(a, b tuple) int { return a.compare(&b) })
	c.tuples = slices.Compact(c.tuples)
}

func (c *claim) readPort(port *corev1.ServicePort) (Protocol, uint16, bool) {
	protocol, known := protocolOf(port.Protocol)
	if !known {
		c.refuse(InvalidProtocol, "port %d has protocol %s; write TCP, UDP or SCTP", port.Port, quote(string(port.Protocol)))
		return "", 0, false
	}
	if port.Port < 1 || port.Port > 65535 {
		c.refuse(InvalidPort, "port %d does not exist; write a number from 1 to 65535", port.Port)
		return "", 0, false
	}
	return protocol, uint16(port.Port), true
}
