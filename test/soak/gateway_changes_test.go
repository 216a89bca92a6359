package soak

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// Whom the firewall options name: never the client's secondary addresses, from
// which the gateway's own doors are tried.
var (
	managements = [][]v1alpha1.CIDR{nil, {"192.0.2.0/24"}, {"198.51.100.10/32"}, {"198.51.100.0/26", "2001:db8:c::10/128"}}
	peers       = [][]v1alpha1.IPAddress{nil, {"198.51.100.10"}, {"198.51.100.10", "2001:db8:c::10"}}
)

// changeFirewall changes one option of spec.firewall to something else.
func (c *churn) changeFirewall() (change, bool) {
	now := c.world.firewall
	next := *now.DeepCopy()
	switch c.random.IntN(6) {
	case 0:
		next.ICMP.GatewayEcho = other(now.ICMP.GatewayEcho, v1alpha1.EchoLimit, v1alpha1.EchoDrop)
	case 1:
		next.ICMP.ServiceEcho = other(now.ICMP.ServiceEcho, v1alpha1.EchoDrop, v1alpha1.EchoLimit)
	case 2:
		next.ICMP.EchoPerSecond = int32(1 + c.random.IntN(50))
	case 3:
		next.EstablishedConnections = other(now.EstablishedConnections, v1alpha1.EstablishedKeep, v1alpha1.EstablishedTerminate)
	case 4:
		next.ManagementCIDRs = pick(c, managements)
	default:
		next.BGP = v1alpha1.PublicBGP{PublicAccess: v1alpha1.PublicAccessDeny}
		if chosen := pick(c, peers); len(chosen) > 0 {
			next.BGP = v1alpha1.PublicBGP{PublicAccess: v1alpha1.PublicAccessAllow, Peers: chosen}
		}
	}
	if reflect.DeepEqual(now, next) {
		return change{}, false
	}
	return change{fmt.Sprintf("to %+v", next), func(ctx context.Context) error {
		c.world.firewall = next
		return c.world.editEdge(ctx, func(g *v1alpha1.NftGateway) { g.Spec.Firewall = next })
	}}, true
}

// other is the second of two values if now is the first or nothing, else the first.
func other[T ~string](now, first, second T) T {
	if now == first || now == "" {
		return second
	}
	return first
}

func (w *world) editEdge(ctx context.Context, edit func(*v1alpha1.NftGateway)) error {
	var gateway v1alpha1.NftGateway
	if err := w.api.Get(ctx, types.NamespacedName{Namespace: lab.OperatorNamespace, Name: edge}, &gateway); err != nil {
		return err
	}
	base := gateway.DeepCopy()
	edit(&gateway)
	return w.api.Patch(ctx, &gateway, client.MergeFrom(base))
}

// checkNow asks the operator to look at the gateway.
func (w *world) checkNow(ctx context.Context) error {
	return w.editEdge(ctx, func(g *v1alpha1.NftGateway) {
		g.Annotations = map[string]string{v1alpha1.AnnotationCheck: fmt.Sprint(time.Now().UnixNano())}
	})
}

const localChainFile = "/etc/nftables.d/local-chain.nft"

// Rules of a local chain that concern nobody who sends in the soak.
var localRules = []string{
	"ip saddr 198.51.100.200 tcp dport 8443 counter accept",
	"ip6 saddr 2001:db8:c::200 udp dport 5000-5010 accept",
	"tcp dport 65000 counter drop",
	"ip saddr { 198.51.100.201, 198.51.100.202 } accept",
}

func (c *churn) editLocalChain() (change, bool) {
	rule := fmt.Sprintf("%s comment \"edit %d\"", pick(c, localRules), c.journal.changes())
	return change{rule, func(ctx context.Context) error {
		if err := c.world.writeLocalChain(ctx, rule); err != nil {
			return err
		}
		if err := c.world.awaitInLocalChain(ctx, rule[strings.Index(rule, "comment"):]); err != nil {
			return err
		}
		return c.world.awaitDegraded(ctx, metav1.ConditionFalse, "AsIntended")
	}}, true
}

// breakLocalChain writes what nft refuses. The last good one stays in force,
// until another is written or the next change makes it good.
func (c *churn) breakLocalChain() (change, bool) {
	return change{"nft refuses it", func(ctx context.Context) error {
		if err := c.world.writeLocalChain(ctx, "this is not a rule"); err != nil {
			return err
		}
		return c.world.awaitDegraded(ctx, metav1.ConditionTrue, "LocalChainBroken")
	}}, true
}

func (w *world) writeLocalChain(ctx context.Context, rule string) error {
	text := fmt.Sprintf("chain local-chain {\n\t%s\n}\n", rule)
	if err := w.gateway.ReplaceFile(localChainFile, []byte(text), 0o644); err != nil {
		return err
	}
	return w.checkNow(ctx)
}

func (w *world) awaitInLocalChain(ctx context.Context, text string) error {
	return w.await(ctx, "the local chain to be in force", func() error {
		listing, err := w.gateway.Exec("nft", "list", "chain", "inet", "nft_operator", "local-chain")
		if err == nil && !strings.Contains(listing, text) {
			return fmt.Errorf("it has no %s: %s", text, listing)
		}
		return err
	})
}

func (w *world) awaitDegraded(ctx context.Context, status metav1.ConditionStatus, reason string) error {
	return w.await(ctx, "the host to be "+reason, func() error {
		host, err := w.host(ctx)
		if err != nil {
			return err
		}
		condition := apimeta.FindStatusCondition(host.Status.Conditions, v1alpha1.ConditionDegraded)
		if condition == nil || condition.Status != status || condition.Reason != reason {
			return fmt.Errorf("the condition is %+v", condition)
		}
		return nil
	})
}

// deleteElement closes a door behind the operator's back, as somebody with a
// shell on the gateway could, and has the operator look.
func (c *churn) deleteElement() (change, bool) {
	s, there := c.anyChurned()
	if !there {
		return change{}, false
	}
	doors := s.doors()
	if len(doors) == 0 {
		return change{}, false
	}
	closed := pick(c, doors)
	return change{fmt.Sprintf("%s of %s", closed, s.name), func(ctx context.Context) error {
		c.world.ledger.excuse(closed)
		if err := c.world.deleteByHand(closed); err != nil {
			return err
		}
		if err := c.world.checkNow(ctx); err != nil {
			return err
		}
		return c.world.awaitDoors(ctx)
	}}, true
}

func (w *world) deleteByHand(closed door) error {
	family := map[bool]string{true: "4", false: "6"}[closed.at.Addr().Is4()]
	output, err := w.gateway.Exec("nft", fmt.Sprintf("delete element inet nft_operator services%s { %s . %s . %d }",
		family, closed.at.Addr(), closed.protocol, closed.at.Port()))
	if err != nil {
		return errors.Join(err, errors.New(output))
	}
	return nil
}
