package vm_test

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/test/lab"
)

// web is the Service that every test's gateway serves, and webDoors where.
var (
	web      = service("web", 443, "203.0.113.10", "2001:db8:1b::10")
	webDoors = []netip.AddrPort{netip.MustParseAddrPort("203.0.113.10:443"), netip.MustParseAddrPort("[2001:db8:1b::10]:443")}
)

func service(name string, port int32, addresses ...string) corev1.Service {
	made := corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
		Spec: corev1.ServiceSpec{
			Type:  corev1.ServiceTypeLoadBalancer,
			Ports: []corev1.ServicePort{{Protocol: corev1.ProtocolTCP, Port: port}},
		},
	}
	for _, address := range addresses {
		made.Status.LoadBalancer.Ingress = append(made.Status.LoadBalancer.Ingress, corev1.LoadBalancerIngress{IP: address})
	}
	return made
}

const (
	// patience is what an emulated gateway may take to pass a packet on.
	patience = 30 * time.Second
	// knockingPort is the source port of a knocking.
	knockingPort = 61997
)

// knockingPace is what an emulated gateway keeps up with.
var knockingPace = lab.Pace{Packets: 2, Every: 2 * time.Millisecond}

// knocking sends packets, until it is stopped, to the Service, to closed ports
// beside it and to the machine itself, and notes what comes through.
type knocking struct {
	gateway        *gateway
	volley         *lab.Volley
	packets        int64 // of one round
	node, client   *lab.Observer
	fromTheMachine []netip.Addr
}

// startKnocking at every door, again and again.
func (g *gateway) startKnocking(t *testing.T) *knocking {
	t.Helper()
	k := &knocking{gateway: g, fromTheMachine: append(g.Public.All(), g.Cluster.All()...)}
	var targets []lab.Target
	for _, door := range webDoors {
		from := g.net.Client.Primary.Like(door.Addr())
		targets = append(targets,
			lab.Target{From: from, To: door.Addr(), Protocols: lab.Protocols, FirstPort: 420, LastPort: 460},
			lab.Target{From: from, To: g.net.Node.Addresses.Like(from), Protocols: lab.Protocols, FirstPort: 22, LastPort: 22},
			lab.Target{From: from, To: g.Public.Like(from), Protocols: lab.Protocols, FirstPort: 20, LastPort: 25},
			lab.Target{From: from, To: g.Cluster.Like(from), Protocols: lab.Protocols, FirstPort: 22, LastPort: 22})
	}
	for _, target := range targets {
		k.packets += int64(len(target.Protocols)) * int64(target.LastPort-target.FirstPort+1)
	}
	var err error
	k.node, err = g.net.Node.Observe()
	must(t, err)
	k.client, err = g.net.Client.Observe()
	must(t, err)
	k.volley, err = g.net.Fire(g, knockingPort, knockingPace, targets...)
	must(t, err)
	return k
}

// awaitRound waits until the machine has judged a packet at each door, all sent
// from now on.
func (k *knocking) awaitRound(t *testing.T) {
	t.Helper()
	enough := k.volley.Sent() + 2*k.packets // the first of two rounds may have begun already
	eventually(t, "a round of knocking", func() bool { return k.volley.Sent() >= enough })
	// Packets stay in order: where this one is through, the earlier ones were judged.
	k.gateway.expectWeb(t)
}

// stop returns what came through, packets to the Service excepted, and what the
// machine itself answered.
func (k *knocking) stop(t *testing.T) (through, answers lab.Packets) {
	t.Helper()
	must(t, k.volley.Close())
	var err error
	through, err = k.node.Seen()
	must(t, err)
	maps.DeleteFunc(through, func(p lab.Packet, _ struct{}) bool {
		return !slices.Contains(k.gateway.net.Client.Primary.All(), p.Source) ||
			p.Protocol == lab.TCP && slices.Contains(webDoors, netip.AddrPortFrom(p.Destination, p.Port))
	})
	answers, err = k.client.Seen()
	must(t, err)
	maps.DeleteFunc(answers, func(p lab.Packet, _ struct{}) bool { return !slices.Contains(k.fromTheMachine, p.Source) })
	must(t, k.node.Close())
	must(t, k.client.Close())
	return through, answers
}

// stopAndExpectNothing demands that every door but the Service's was closed.
func (k *knocking) stopAndExpectNothing(t *testing.T) {
	t.Helper()
	through, answers := k.stop(t)
	if len(through)+len(answers) > 0 {
		t.Errorf("closed doors were open: %v; the machine itself answered %v",
			slices.Collect(maps.Keys(through)), slices.Collect(maps.Keys(answers)))
	}
}

// expectOnlyWeb demands that a client reaches the Service through the machine,
// and nothing else.
func (g *gateway) expectOnlyWeb(t *testing.T) {
	t.Helper()
	knocking := g.startKnocking(t)
	knocking.awaitRound(t)
	knocking.stopAndExpectNothing(t)
}

// expectAllOpen demands that a client reaches what it tries, as before the first
// apply.
func (g *gateway) expectAllOpen(t *testing.T) {
	t.Helper()
	knocking := g.startKnocking(t)
	knocking.awaitRound(t)
	through, answers := knocking.stop(t)
	for _, door := range webDoors {
		closed := lab.Packet{Source: g.net.Client.Primary.Like(door.Addr()), Destination: door.Addr(), Protocol: lab.UDP, Port: door.Port()}
		if _, ok := through[closed]; !ok {
			t.Errorf("%s did not come through an open gateway", closed)
		}
	}
	if len(answers) == 0 {
		t.Error("an open gateway answered nothing itself")
	}
}

// expectWeb demands that a client reaches the Service through the machine.
func (g *gateway) expectWeb(t *testing.T) {
	t.Helper()
	for _, door := range webDoors {
		server, err := g.net.Node.Serve(lab.TCP, door)
		must(t, err)
		if err := g.net.Client.Knock(lab.TCP, g.net.Client.Primary.Like(door.Addr()), door, patience); err != nil {
			t.Errorf("the Service at %s cannot be reached: %v", door, err)
		}
		must(t, server.Close())
	}
}
