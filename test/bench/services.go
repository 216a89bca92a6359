package main

import (
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/test/lab"
)

// namespace is of all Services.
const namespace = "bench"

// The doors that packets go through are beside those of the other Services.
const (
	lastAddress = "203.0.113.254"
	lastPort    = 9000
)

func lastDoor() netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(lastAddress), lastPort)
}

const (
	// addressesOfOthers are shared by the other Services, from this port on.
	addressesOfOthers = 250
	firstPort         = 1000
)

// doorOf is where the other Service of that number is open.
func doorOf(number int) netip.AddrPort {
	address := netip.AddrFrom4([4]byte{203, 0, 113, byte(1 + number%addressesOfOthers)})
	return netip.AddrPortFrom(address, uint16(firstPort+number/addressesOfOthers))
}

// newService is one that is open at a door for some protocols.
func newService(name string, door netip.AddrPort, protocols ...lab.Protocol) *corev1.Service {
	noPorts := false // of nodes, of which there are fewer than Services here
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, AllocateLoadBalancerNodePorts: &noPorts},
		Status: corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{
			Ingress: []corev1.LoadBalancerIngress{{IP: door.Addr().String()}},
		}},
	}
	for _, protocol := range protocols {
		service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{
			Name: string(protocol), Protocol: corev1.Protocol(strings.ToUpper(string(protocol))), Port: int32(door.Port()),
		})
	}
	return service
}

// otherService is one that nobody uses.
func otherService(number int) *corev1.Service {
	return newService(fmt.Sprintf("other-%05d", number), doorOf(number), lab.TCP)
}

// changingDoor is where a Service of that number is open that comes while others
// are there.
func changingDoor(number int) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(lastAddress), uint16(lastPort+1+number))
}
