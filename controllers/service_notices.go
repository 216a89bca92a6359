package controllers

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/internal/plan"
)

// The message of a Service's condition has a first line that says how it stands,
// and one more for each notice. So what was told of a Service is kept with it,
// and is not told again after a restart. No text of a user can add a line: plans
// quote it.

func writeMessage(standing string, notices []plan.Notice) string {
	lines := []string{standing}
	for _, notice := range notices {
		lines = append(lines, noticeLine(notice))
	}
	return strings.Join(lines, "\n")
}

func readMessage(message string) (standing string, notices []string) {
	lines := strings.Split(message, "\n")
	return lines[0], lines[1:]
}

func noticeLine(notice plan.Notice) string { return string(notice.Reason) + ": " + notice.Message }

// noticesOf are the notices of all gateways. Those that bound a Service alike say
// so once.
func noticesOf(standings []Standing) []plan.Notice {
	var notices []plan.Notice
	for _, standing := range standings {
		for _, notice := range standing.Notices {
			if !slices.Contains(notices, notice) {
				notices = append(notices, notice)
			}
		}
	}
	return notices
}

// announceNotices writes an Event for each notice that the condition did not
// have before.
func (r *ServiceReconciler) announceNotices(service *corev1.Service, before *metav1.Condition, notices []plan.Notice) {
	var told []string
	if before != nil {
		_, told = readMessage(before.Message)
	}
	for _, notice := range notices {
		if !slices.Contains(told, noticeLine(notice)) {
			r.Recorder.Eventf(service, nil, corev1.EventTypeWarning, string(notice.Reason), "Plan", "%s", notice.Message)
		}
	}
}
