package soak

import (
	"net/netip"
	"slices"

	"github.com/nft-operator/nft-operator/test/lab"
)

// scan compares, while all is settled, what comes through the doors that open
// and close with what their Services ask for: from both pairs of addresses of
// the client, by every protocol.
func (c *churn) scan() error {
	w := c.world
	sources := slices.Concat(w.net.Client.Primary.All(), w.net.Client.Secondary.All())
	arrived, err := w.net.Scan(lab.Scan{
		Via: w.gateway, Sources: sources, Destinations: changingAddresses(),
		FirstPort: firstChurnedPort - 2, LastPort: lastChurnedPort + 2,
	})
	if err != nil {
		return err
	}
	expected := w.intent.admitted(sources)
	for packet := range expected {
		if _, found := arrived[packet]; !found {
			c.journal.complain("all is programmed, and yet %s does not come through", packet)
		}
	}
	for packet := range arrived {
		if _, found := expected[packet]; !found {
			c.journal.complain("all is programmed, and yet %s comes through", packet)
		}
	}
	return nil
}

// changingAddresses have doors that open and close.
func changingAddresses() (addresses []netip.Addr) {
	for _, name := range churnedNames {
		addresses = append(addresses, addressesOf(name)...)
	}
	for _, number := range []int{webNumber, guardedNumber, waveringNumber} {
		addresses = append(addresses, pair(number)...)
	}
	return addresses
}

// admitted are the packets, from the sources to the ports that change, that
// should come through.
func (i *intent) admitted(sources []netip.Addr) lab.Packets {
	packets := lab.Packets{}
	for _, service := range i.services {
		for _, door := range service.doors() {
			if door.at.Port() < firstChurnedPort || door.at.Port() > lastChurnedPort {
				continue
			}
			for _, from := range sources {
				if from.Is4() == door.at.Addr().Is4() && service.admits(from) {
					packets[lab.Packet{Source: from, Destination: door.at.Addr(), Protocol: door.protocol, Port: door.at.Port()}] = struct{}{}
				}
			}
		}
	}
	return packets
}
