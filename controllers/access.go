package controllers

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
)

// notAccepted says that the spec, or what it refers to, does not make sense
// yet. It waits for a person, so nothing is retried until something changes.
type notAccepted struct {
	reason  string
	message string
}

// Error is the message for a person.
func (e *notAccepted) Error() string { return e.message }

// Reasons of the condition Accepted.
const (
	reasonAccepted           = "Accepted"
	reasonInvalidSpec        = "InvalidSpec"
	reasonHostConflict       = "HostConflict"
	reasonNamespaceIgnored   = "NamespaceNotWatched"
	reasonSecretNotFound     = "SecretNotFound"
	reasonSecretWrongType    = "SecretWrongType"
	reasonPrivateKeyMissing  = "PrivateKeyMissing"
	reasonPrivateKeyInvalid  = "PrivateKeyMalformed"
	reasonPrivateKeyLocked   = "PrivateKeyEncrypted"
	reasonKnownHostsMissing  = "KnownHostsMissing"
	reasonKnownHostsInvalid  = "KnownHostsMalformed"
	knownHostsHelp           = "put the output of 'ssh-keyscan HOST', compared with the host's own key, into spec.ssh.knownHosts or the Secret's key known_hosts"
	privateKeySecretTemplate = "create it with: kubectl -n %s create secret generic %s --type=kubernetes.io/ssh-auth --from-file=ssh-privatekey=KEYFILE"
)

// accessOf reads the Secret and makes the way in to a gateway's hosts of it.
// Its error is a *notAccepted, or that of the API server.
func accessOf(ctx context.Context, secrets client.Reader, gateway *v1alpha1.NftGateway) (ansible.Access, error) {
	ssh := gateway.Spec.SSH
	access := ansible.Access{
		Become:                ssh.Become != v1alpha1.BecomeNone,
		ConnectTimeoutSeconds: int(ssh.ConnectTimeoutSeconds),
	}
	var secret corev1.Secret
	name := types.NamespacedName{Namespace: gateway.Namespace, Name: ssh.PrivateKeySecretRef.Name}
	if err := secrets.Get(ctx, name, &secret); apierrors.IsNotFound(err) {
		return access, &notAccepted{reasonSecretNotFound, fmt.Sprintf("Secret %s does not exist; "+privateKeySecretTemplate, name, name.Namespace, name.Name)}
	} else if err != nil {
		return access, err
	}
	var err error
	if access.PrivateKey, err = privateKeyOf(&secret); err != nil {
		return access, err
	}
	if access.KnownHosts, err = knownHostsOf(ssh.KnownHosts, &secret); err != nil {
		return access, err
	}
	if jump := ssh.JumpHost; jump != nil {
		access.Jump = &ansible.Jump{Address: string(jump.Address), Port: uint16(jump.Port), User: string(ssh.User)}
		if jump.User != nil {
			access.Jump.User = string(*jump.User)
		}
	}
	return access, nil
}

func privateKeyOf(secret *corev1.Secret) (ansible.PrivateKey, error) {
	name := client.ObjectKeyFromObject(secret)
	if secret.Type != corev1.SecretTypeSSHAuth {
		return ansible.PrivateKey{}, &notAccepted{reasonSecretWrongType,
			fmt.Sprintf("Secret %s has type %q, not kubernetes.io/ssh-auth; delete it and "+privateKeySecretTemplate, name, secret.Type, name.Namespace, name.Name)}
	}
	text := secret.Data[corev1.SSHAuthPrivateKey]
	if len(text) == 0 {
		return ansible.PrivateKey{}, &notAccepted{reasonPrivateKeyMissing, fmt.Sprintf("Secret %s has nothing under ssh-privatekey", name)}
	}
	key, err := ansible.ParsePrivateKey(text)
	switch {
	case errors.Is(err, ansible.ErrPrivateKeyEncrypted):
		return key, &notAccepted{reasonPrivateKeyLocked, fmt.Sprintf("ssh-privatekey of Secret %s: %v", name, err)}
	case err != nil:
		return key, &notAccepted{reasonPrivateKeyInvalid, fmt.Sprintf("ssh-privatekey of Secret %s: %v", name, err)}
	}
	return key, nil
}

func knownHostsOf(inSpec string, secret *corev1.Secret) (ansible.KnownHosts, error) {
	name := client.ObjectKeyFromObject(secret)
	fromSpec, err := ansible.ParseKnownHosts(inSpec)
	if err != nil {
		return ansible.KnownHosts{}, &notAccepted{reasonKnownHostsInvalid, fmt.Sprintf("spec.ssh.knownHosts: %v", err)}
	}
	fromSecret, err := ansible.ParseKnownHosts(string(secret.Data[v1alpha1.KnownHostsKey]))
	if err != nil {
		return ansible.KnownHosts{}, &notAccepted{reasonKnownHostsInvalid, fmt.Sprintf("known_hosts of Secret %s: %v", name, err)}
	}
	known := fromSpec.Join(fromSecret)
	if known.Empty() {
		return known, &notAccepted{reasonKnownHostsMissing, "no host key is known, and hosts are never trusted blindly: " + knownHostsHelp}
	}
	return known, nil
}
