package control

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// TestAWrongSecretIsNamedAndHealed: each has a reason of its own on gateway and
// host, no run, and is tried again when the Secret is right.
func TestAWrongSecretIsNamedAndHealed(t *testing.T) {
	locked, err := lab.NewEncryptedKey("locked", "passphrase")
	if err != nil {
		t.Fatal(err)
	}
	with := func(key string, value []byte) func(*corev1.Secret) {
		return func(secret *corev1.Secret) { secret.Data[key] = value }
	}
	operator := startOperator(t)
	for reason, test := range map[string]struct {
		harm   func(*corev1.Secret)
		advice string
	}{
		"SecretNotFound":      {nil, "kubectl -n nft-operator-system create secret generic gateway-ssh"},
		"SecretWrongType":     {func(secret *corev1.Secret) { secret.Type = corev1.SecretTypeOpaque }, "--type=kubernetes.io/ssh-auth"},
		"PrivateKeyMalformed": {with(corev1.SSHAuthPrivateKey, []byte("not-a-key")), "ssh-keygen -t ed25519"},
		"PrivateKeyEncrypted": {with(corev1.SSHAuthPrivateKey, locked.Private), "ssh-keygen -p"},
		"KnownHostsMissing":   {with(v1alpha1.KnownHostsKey, nil), "ssh-keyscan"},
		"KnownHostsMalformed": {with(v1alpha1.KnownHostsKey, []byte("gw1.example.org ssh-ed25519 nonsense")), "line 1"},
	} {
		t.Run(reason, func(t *testing.T) {
			s := openShop(t)
			if test.harm != nil {
				wrong := secret()
				test.harm(wrong)
				create(t, wrong)
			}
			before := operator.runner.total()
			createGateway(t, s.gateway(edge, "gw1"))
			s.service("web", []string{"203.0.113.10"})

			gateway := awaitGateway(t, edge, v1alpha1.ConditionAccepted, metav1.ConditionFalse, reason)
			awaitGateway(t, edge, v1alpha1.ConditionProgrammed, metav1.ConditionFalse, reason)
			host := awaitHost(t, edge, "gw1", v1alpha1.ConditionAccepted, metav1.ConditionFalse, reason)
			for _, message := range []string{gateway.Status.Conditions[0].Message, host.Status.Conditions[0].Message} {
				if !strings.Contains(message, test.advice) {
					t.Errorf("the advice %q is not in %q", test.advice, message)
				}
				if strings.Contains(message, "not-a-key") || strings.Contains(message, "nonsense") {
					t.Errorf("the Secret is quoted: %q", message)
				}
			}
			condition := s.awaitClosed("web", "HostNotProgrammed")
			if !strings.HasSuffix(condition.Message, "edge.gw1: "+reason) {
				t.Errorf("the Service is told %q", condition.Message)
			}
			if operator.runner.total() != before {
				t.Error("there was a run")
			}

			remove(t, secret())
			create(t, secret())
			awaitGateway(t, edge, v1alpha1.ConditionAccepted, metav1.ConditionTrue, "Accepted")
			awaitProgrammed(t, edge)
			s.awaitOpen("web", "1 of 1 gateway hosts")
		})
	}
}

// TestAMendedSecretIsToldAtOnce: between two checks, too.
func TestAMendedSecretIsToldAtOnce(t *testing.T) {
	s := openEdge(t, "gw1")
	startOperator(t)
	s.service("web", []string{"203.0.113.10"})
	s.awaitOpen("web", "1 of 1 gateway hosts")
	update(t, secret(), func(secret *corev1.Secret) { secret.Data[corev1.SSHAuthPrivateKey] = []byte("not-a-key") })
	awaitHost(t, edge, "gw1", v1alpha1.ConditionAccepted, metav1.ConditionFalse, "PrivateKeyMalformed")
	s.awaitOpen("web", "1 of 1 gateway hosts") // what runs on the host still does
	update(t, secret(), func(secret *corev1.Secret) { secret.Data[corev1.SSHAuthPrivateKey] = the.key.Private })
	awaitHost(t, edge, "gw1", v1alpha1.ConditionAccepted, metav1.ConditionTrue, "Accepted")
	awaitProgrammed(t, edge)
}

// TestAMissingSecretOfTheWrongTypeIsTold: the reason follows what is wrong.
func TestAMissingSecretOfTheWrongTypeIsTold(t *testing.T) {
	s := openShop(t)
	startOperator(t)
	createGateway(t, s.gateway(edge, "gw1"))
	awaitHost(t, edge, "gw1", v1alpha1.ConditionAccepted, metav1.ConditionFalse, "SecretNotFound")
	wrong := secret()
	wrong.Type = corev1.SecretTypeOpaque
	create(t, wrong)
	awaitHost(t, edge, "gw1", v1alpha1.ConditionAccepted, metav1.ConditionFalse, "SecretWrongType")
	awaitGateway(t, edge, v1alpha1.ConditionAccepted, metav1.ConditionFalse, "SecretWrongType")
}
