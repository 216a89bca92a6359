package controllers

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
)

// describeRollback notes the last change that the host took back. A host that
// tells of none has since confirmed another; what was, was.
func describeRollback(status *v1alpha1.NftGatewayHostStatus, back *ansible.RolledBack) {
	if back == nil {
		return
	}
	status.LastRollback = &v1alpha1.Rollback{Revision: back.Revision, Structure: back.Structure, Time: timeOf(back)}
}

// timeOf is when a change was taken back; nil where the host's word for it
// cannot be read. It is given in the precision in which it is stored.
func timeOf(back *ansible.RolledBack) *metav1.Time {
	at, err := time.Parse(time.RFC3339, back.At)
	if err != nil {
		return nil
	}
	return &metav1.Time{Time: at.Truncate(time.Second)}
}

// rolledBackMessage says what happened, and what a person can do.
func rolledBackMessage(back *ansible.RolledBack) string {
	when := ""
	if back != nil && timeOf(back) != nil {
		when = " at " + timeOf(back).UTC().Format(time.RFC3339)
	}
	return "nobody could log in anew after the change of the firewall, so the host took it back" + when +
		"; see that spec.publicInterfaces and managementCIDRs are right, and local-chain.nft on the host; correct them, or change the annotation " + v1alpha1.AnnotationCheck +
		" of the NftGateway to have it tried again"
}

// announceRollback tells of a rollback once, whatever else becomes of the host.
func (r *HostReconciler) announceRollback(host *v1alpha1.NftGatewayHost, before *v1alpha1.Rollback) {
	back := host.Status.LastRollback
	if back == nil || equality.Semantic.DeepEqual(before, back) {
		return
	}
	observeRollback(client.ObjectKeyFromObject(host))
	r.Recorder.Eventf(host, nil, corev1.EventTypeWarning, string(ansible.ReasonRolledBack), "Apply", "%s",
		rolledBackMessage(&ansible.RolledBack{At: rfc3339(back.Time)})+fmt.Sprintf(" (revision %.12s)", back.Revision))
}

func rfc3339(at *metav1.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}
