package lab

import "net/netip"

// Client is a host on the public side with two addresses of each family.
type Client struct {
	*Namespace
	// Primary are the addresses that it uses by default.
	Primary Addresses
	// Secondary are two more, to tell sources apart.
	Secondary Addresses
}

func (t *Topology) newClient() (*Client, error) {
	namespace, err := NewNamespace("client")
	if err != nil {
		return nil, err
	}
	client := &Client{
		Namespace: namespace,
		Primary:   addressesOf(clientPrimary),
		Secondary: addressesOf(clientSecondary),
	}
	addresses := append(append([]netip.Prefix{}, clientPrimary...), clientSecondary...)
	return client, plug(t.public, namespace, "eth0", addresses...)
}

// Via sends packets to the load balancer networks, and to the cluster networks
// as an attacker would, through one gateway.
func (c *Client) Via(gateway Router) error {
	public, _ := gateway.Sides()
	for _, networks := range [][]netip.Prefix{LoadBalancerNetworks, ClusterNetworks} {
		for _, network := range networks {
			if err := c.replaceRoute(network, public.Like(network.Addr())); err != nil {
				return err
			}
		}
	}
	return nil
}
