package main

import (
	"context"
	"fmt"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// localChainFile on a gateway belongs to its administrator.
const localChainFile = "/etc/nftables.d/local-chain.nft"

// programmed awaits that both gateways enforce the NftGateway as it is now.
func (w *world) programmed(ctx context.Context) error {
	_, err := awaitCondition(ctx, metav1.ConditionTrue, v1alpha1.ConditionProgrammed, func() (*metav1.Condition, error) {
		gateway, err := w.edge(ctx)
		if err != nil {
			return nil, err
		}
		return apimeta.FindStatusCondition(gateway.Status.Conditions, v1alpha1.ConditionProgrammed), nil
	})
	return err
}

func (w *world) edge(ctx context.Context) (*v1alpha1.NftGateway, error) {
	gateway := &v1alpha1.NftGateway{}
	return gateway, w.api.Get(ctx, types.NamespacedName{Namespace: lab.OperatorNamespace, Name: edge}, gateway)
}

// degraded awaits what the operator says of what needs a person on a gateway.
func (w *world) degraded(ctx context.Context, on *lab.Gateway, status metav1.ConditionStatus, reason string) (metav1.Condition, error) {
	return awaitCondition(ctx, status, reason, func() (*metav1.Condition, error) {
		host := &v1alpha1.NftGatewayHost{}
		err := w.api.Get(ctx, types.NamespacedName{Namespace: lab.OperatorNamespace, Name: edge + "." + on.Name}, host)
		if err != nil {
			return nil, err
		}
		return apimeta.FindStatusCondition(host.Status.Conditions, v1alpha1.ConditionDegraded), nil
	})
}

// writeLocalChain is an administrator with an editor on a gateway, who then asks
// the operator to look at once rather than within a minute.
func (w *world) writeLocalChain(ctx context.Context, on *lab.Gateway, text string) error {
	if err := on.ReplaceFile(localChainFile, []byte(text), 0o644); err != nil {
		return err
	}
	gateway, err := w.edge(ctx)
	if err != nil {
		return err
	}
	base := gateway.DeepCopy()
	gateway.Annotations = map[string]string{v1alpha1.AnnotationCheck: fmt.Sprint(time.Now().UnixNano())}
	return w.api.Patch(ctx, gateway, client.MergeFrom(base))
}

// keptLocalChain is no error where the administrator's file is still what was
// written.
func (w *world) keptLocalChain(on *lab.Gateway, text string) func() error {
	return func() error {
		content, err := on.ReadFile(localChainFile)
		if err == nil && string(content) != text {
			err = fmt.Errorf("the file is now:\n%s", content)
		}
		return err
	}
}
