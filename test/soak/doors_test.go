package soak

import (
	"net/netip"

	"github.com/nft-operator/nft-operator/test/lab"
)

// steadyDoors are always open for the client's primary addresses.
func steadyDoors(protocol lab.Protocol) (doors []door) {
	for _, service := range steadyServices() {
		for _, door := range service.doors() {
			if door.protocol == protocol {
				doors = append(doors, door)
			}
		}
	}
	return doors
}

func sctpTargets() (targets []lab.Target) {
	for _, door := range steadyDoors(lab.SCTP) {
		targets = append(targets, targetAt(the.net.Client.Primary, door.at.Addr(), []lab.Protocol{lab.SCTP}, door.at.Port(), door.at.Port()))
	}
	return targets
}

// crowdTargets are all doors that may open and close. Nobody cares whether
// those packets pass; they make the counters move.
func crowdTargets() (targets []lab.Target) {
	for _, name := range churnedNames {
		for _, address := range addressesOf(name) {
			targets = append(targets, targetAt(the.net.Client.Primary, address, lab.Protocols, firstChurnedPort, lastChurnedPort))
		}
	}
	return targets
}

func targetAt(from lab.Addresses, to netip.Addr, protocols []lab.Protocol, first, last uint16) lab.Target {
	return lab.Target{From: from.Like(to), To: to, Protocols: protocols, FirstPort: first, LastPort: last}
}

// guardedWeight is how much more often than others the door is tried that only
// its source ranges keep closed.
const guardedWeight = 10

// closedDoors are those that nothing in the soak ever opens.
func (w *world) closedDoors() (targets []lab.Target) {
	primary, secondary := w.net.Client.Primary, w.net.Client.Secondary
	stream := []lab.Protocol{lab.TCP}
	// Closed ports of open addresses, and addresses without a Service.
	for _, number := range []int{webNumber, guardedNumber, waveringNumber, emptyNumber} {
		for _, address := range pair(number) {
			targets = append(targets,
				targetAt(primary, address, lab.Protocols, 81, 84),
				targetAt(secondary, address, lab.Protocols, 444, 445))
		}
	}
	for _, address := range pair(emptyNumber) {
		targets = append(targets, targetAt(primary, address, lab.Protocols, 80, 80), targetAt(primary, address, stream, 443, 443))
	}
	// A Service's port, from outside of its ranges.
	for range guardedWeight {
		for _, address := range pair(guardedNumber) {
			targets = append(targets, targetAt(secondary, address, []lab.Protocol{lab.TCP, lab.UDP}, 443, 443))
		}
	}
	// The gateway itself, at its public and its other addresses, and the node.
	// SSH and BGP are at times allowed from the primary addresses.
	for _, address := range append(w.gateway.Public.All(), w.gateway.Cluster.All()...) {
		targets = append(targets,
			targetAt(secondary, address, stream, 22, 22), targetAt(secondary, address, stream, 179, 179),
			targetAt(primary, address, lab.Protocols, 23, 25), targetAt(primary, address, stream, 9999, 9999))
	}
	for _, address := range w.net.Node.Addresses.All() {
		targets = append(targets, targetAt(primary, address, stream, 22, 22), targetAt(primary, address, stream, 10250, 10250))
	}
	return targets
}
