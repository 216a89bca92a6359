// Package admission shows what the admission policy of config/admission refuses,
// and above all what it does not: a real kube-apiserver has it.
package admission

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/internal/ratelimit"
	"github.com/nft-operator/nft-operator/test/lab"
)

const (
	namespace = "default"
	unread    = "2 mbytes/second; drop"
	// enforcedWithin is for a busy machine; an API server sees a new policy
	// within a second.
	enforcedWithin = 30 * time.Second
)

var api client.Client

func TestMain(m *testing.M) {
	lab.Isolate(lab.Isolation{ControlPlane: true})
	if err := start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "admission:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func start(ctx context.Context) error {
	kube, err := lab.StartControlPlane()
	if err != nil {
		return err
	}
	kube.Config.QPS = -1
	if api, err = kube.Client(); err != nil {
		return err
	}
	if err := createOlder(ctx); err != nil {
		return err
	}
	if _, err := kube.Kubectl(ctx, "apply", "--server-side", "-k", "../../config/admission"); err != nil {
		return err
	}
	return awaitPolicy(ctx)
}

// awaitPolicy returns once the API server refuses what it must.
func awaitPolicy(ctx context.Context) error {
	for deadline := time.Now().Add(enforcedWithin); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		err := try(ctx, service("awaits", ratelimit.RateAnnotation, unread))
		if apierrors.IsInvalid(err) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return errors.New("the policy is not enforced in time")
}

// try asks the API server whether it would create a Service.
func try(ctx context.Context, s *corev1.Service) error {
	return api.Create(ctx, s, client.DryRunAll)
}

// service is one that a gateway would look at, with an annotation.
func service(name, annotation, text string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: map[string]string{annotation: text}},
		Spec: corev1.ServiceSpec{
			Type:  corev1.ServiceTypeLoadBalancer,
			Ports: []corev1.ServicePort{{Port: 443}},
		},
	}
}
