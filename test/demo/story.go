package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/test/lab"
)

// story is told in a world. Its scenes build on each other.
type story struct {
	*teller
	*world
	by *lab.Gateway // that packets go through
}

// The doors of the story. A server on the node is behind each of them from the
// beginning, and the Pod in its place where a Service is, so that only the gateways
// decide what is open.
var (
	web       = []door{tcp("203.0.113.10:80"), tcp("[2001:db8:1b::10]:80")}
	webDNS    = []door{udp("203.0.113.10:53"), udp("[2001:db8:1b::10]:53")}
	webMoved  = []door{tcp("203.0.113.10:8080"), tcp("[2001:db8:1b::10]:8080")}
	besideWeb = []door{
		tcp("203.0.113.10:81"), tcp("203.0.113.11:80"), udp("203.0.113.10:80"),
		tcp("[2001:db8:1b::10]:81"), tcp("[2001:db8:1b::11]:80"),
	}
	office  = []door{tcp("203.0.113.20:443"), tcp("[2001:db8:1b::20]:443")}
	node    = []door{tcp("192.0.2.2:80")}
	good    = []door{tcp("203.0.113.30:80")}
	byHand  = []door{tcp("203.0.113.40:8443")}
	another = []door{tcp("203.0.113.31:80")}
	late    = []door{tcp("203.0.113.32:80")}
)

var everyDoor = slices.Concat(web, webDNS, webMoved, besideWeb, office, node, good, byHand, another, late)

// tell tells the story. An error means that it could not go on; an expectation
// that did not hold is counted.
func (s *story) tell(ctx context.Context) error {
	if err := s.serve(everyDoor...); err != nil {
		return err
	}
	for _, scene := range []func(context.Context) error{
		s.bareGateways,
		s.closedBefore,
		s.openAfter,
		s.onlyFromTheOffice,
		s.aPortMoves,
		s.anAddressOfSomebodyElse,
		s.aBadNeighbour,
		s.aRuleByHand,
		s.aTypo,
		s.closedAgain,
	} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) bareGateways(context.Context) error {
	s.scene("Two bare gateways")
	s.say("A client on the outside, a node of the cluster inside, and between them gw1 and gw2, which forward. " +
		"The node has a server at every address and port of this story. Nothing filters yet.")
	return s.throughEach(func() { s.expectOpen(s.guest(), everyDoor...) })
}

func (s *story) closedBefore(ctx context.Context) error {
	s.scene("The operator takes over: closed until a Service says otherwise")
	s.say("kubectl apply --server-side -f dist/install.yaml")
	if err := s.step("two Pods of nft-operator start", func() error { return s.install(ctx) }); err != nil {
		return err
	}
	if err := s.createEdge(ctx); err != nil {
		return err
	}
	s.expect("NftGateway edge is programmed on both gateways, by Ansible over SSH", func() error { return s.programmed(ctx) })
	return s.throughEach(func() { s.expectClosed(s.guest(), everyDoor...) })
}

func (s *story) openAfter(ctx context.Context) error {
	s.scene("A Service opens its address and port, and nothing else")
	if err := s.introduce(ctx, service{
		name: "web", addresses: "203.0.113.10,2001:db8:1b::10", ports: []corev1.ServicePort{tcpPort(80), udpPort(53)},
	}); err != nil {
		return err
	}
	s.expectOpened(ctx, "web")
	s.expectInPod(ctx, web, s.guest())
	return s.throughEach(func() {
		s.expectOpen(s.guest(), web...)
		s.expectOpen(s.guest(), webDNS...)
		s.expectClosed(s.guest(), besideWeb...)
		s.expect(fmt.Sprintf("through %s: a scan of all TCP, UDP and SCTP ports of both addresses finds these four", s.by.Name),
			s.onlyPasses(s.by, append(web[:2:2], webDNS...)))
	})
}

func (s *story) onlyFromTheOffice(ctx context.Context) error {
	s.scene("A Service for some sources only")
	if err := s.introduce(ctx, service{
		name: "office", addresses: "203.0.113.20,2001:db8:1b::20", ports: []corev1.ServicePort{tcpPort(443)},
		sources: []string{"198.51.100.64/26", "2001:db8:c::77/128"},
	}); err != nil {
		return err
	}
	s.expectOpened(ctx, "office")
	return s.throughEach(func() {
		s.expectOpen(s.neighbour(), office...)
		s.expectClosed(s.guest(), office...)
	})
}

func (s *story) aPortMoves(ctx context.Context) error {
	s.scene("A port is edited")
	s.say("kubectl -n shop edit service web: 80 becomes 8080")
	edited := time.Now()
	if err := s.setPorts(ctx, "web", tcpPort(8080), udpPort(53)); err != nil {
		return err
	}
	if s.expect("the new port answers", func() error { return s.awaitOpen(ctx, s.guest(), webMoved...) }) {
		s.say("  %.1f seconds from the edit to the first packet", time.Since(edited).Seconds())
	}
	s.expectOpened(ctx, "web")
	return s.throughEach(func() {
		s.expectOpen(s.guest(), webMoved...)
		s.expectClosed(s.guest(), web...)
	})
}

func (s *story) anAddressOfSomebodyElse(ctx context.Context) error {
	s.scene("A Service wants an address that is not for Services")
	if err := s.introduce(ctx, service{name: "greedy", addresses: "192.0.2.2", ports: []corev1.ServicePort{tcpPort(80)}}); err != nil {
		return err
	}
	s.expectRefused(ctx, "greedy", "AddressNotAllowed")
	return s.throughEach(func() { s.expectClosed(s.guest(), node...) })
}

func (s *story) aBadNeighbour(ctx context.Context) error {
	s.scene("A bad neighbour harms nobody else")
	if err := s.introduce(ctx, service{name: "squatter", addresses: "203.0.113.10", ports: []corev1.ServicePort{tcpPort(8080)}, ignored: true}); err != nil {
		return err
	}
	if err := s.introduce(ctx, service{name: "good", addresses: "203.0.113.30", ports: []corev1.ServicePort{tcpPort(80)}}); err != nil {
		return err
	}
	s.expectRefused(ctx, "squatter", "AddressInUse")
	s.expectOpened(ctx, "good")
	return s.throughEach(func() {
		s.expectOpen(s.guest(), good...)
		s.expectOpen(s.guest(), webMoved...)
	})
}

const handWritten = `chain local-chain {
	ip daddr 203.0.113.40 tcp dport 8443 counter accept comment "by hand"
}
`

func (s *story) aRuleByHand(ctx context.Context) error {
	gw1 := s.net.Gateways[0]
	s.scene("An administrator writes a rule by hand, on gw1")
	s.expectClosed(s.guest(), byHand...)
	s.say(localChainFile + ":")
	s.quote(handWritten)
	if err := s.writeLocalChain(ctx, gw1, handWritten); err != nil {
		return err
	}
	s.expect("the rule is in force: "+texts(byHand)+" answers", func() error { return s.awaitOpen(ctx, s.guest(), byHand...) })
	if err := s.introduce(ctx, service{name: "another", addresses: "203.0.113.31", ports: []corev1.ServicePort{tcpPort(80)}}); err != nil {
		return err
	}
	s.expectOpened(ctx, "another")
	s.expectOpen(s.guest(), another...)
	s.expect("the file is as it was written", s.keptLocalChain(gw1, handWritten))
	s.expectOpen(s.guest(), byHand...)
	return nil
}

const mistyped = `chain local-chain {
	ip daddr 203.0.113.40 tcp dport 8443 counter accept comment "by hand"
	ip saddr 198.51.100.0/24 tcp dprot 22 drop
}
`

func (s *story) aTypo(ctx context.Context) error {
	gw1, gw2 := s.net.Gateways[0], s.net.Gateways[1]
	s.scene("The administrator makes a mistake")
	s.quote(mistyped)
	if err := s.writeLocalChain(ctx, gw1, mistyped); err != nil {
		return err
	}
	s.expectBroken(ctx, gw1, "Line 3")
	s.expect("gw2 is well", func() error {
		_, err := s.degraded(ctx, gw2, metav1.ConditionFalse, "AsIntended")
		return err
	})
	s.expectOpen(s.guest(), byHand...)
	if err := s.introduce(ctx, service{name: "late", addresses: "203.0.113.32", ports: []corev1.ServicePort{tcpPort(80)}}); err != nil {
		return err
	}
	s.expectOpened(ctx, "late")
	if err := s.throughEach(func() { s.expectOpen(s.guest(), append(late[:1:1], webMoved...)...) }); err != nil {
		return err
	}
	s.say("The typo is mended.")
	if err := s.writeLocalChain(ctx, gw1, handWritten); err != nil {
		return err
	}
	s.expect("gw1 is well again", func() error {
		_, err := s.degraded(ctx, gw1, metav1.ConditionFalse, "AsIntended")
		return err
	})
	return nil
}

func (s *story) closedAgain(ctx context.Context) error {
	s.scene("A Service is deleted")
	s.say("kubectl -n shop delete service web")
	if err := s.remove(ctx, "web"); err != nil {
		return err
	}
	s.say("The squatter is the next who asked for 203.0.113.10:8080/tcp, and gets it.")
	s.expectOpened(ctx, "squatter")
	return s.throughEach(func() { s.expectClosed(s.guest(), append(webDNS[:2:2], webMoved[1])...) })
}
