// Package watches reads watches.yaml, the file in which ansible-operator says
// which playbook runs for which kind. The format is the same, the meaning of
// each field too; of the fields only these are supported:
//
//	version, group, kind   required
//	playbook               required; relative to the folder of watches.yaml
//	reconcilePeriod        a Go duration such as 10m; DefaultReconcilePeriod where left out
//	finalizer.name         required in finalizer, a qualified name with a domain
//	finalizer.playbook     required in finalizer
//	manageStatus           false, or left out: playbooks never write a status
//
// Every other field is an error at start-up that names file, line and field and
// says what to do. A field that is read over silently would make the file say
// one thing and the operator do another.
package watches

import (
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// DefaultReconcilePeriod is how long after the last run a playbook runs again
// though nothing changed. It is the period of ansible-operator's own default.
const DefaultReconcilePeriod = 10 * time.Hour

// Watch says what runs for one kind.
type Watch struct {
	schema.GroupVersionKind
	// Playbook is the absolute path of a file that existed when it was read.
	Playbook string
	// ReconcilePeriod is at least a second.
	ReconcilePeriod time.Duration
	// Finalizer is nil where nothing runs when an object is deleted.
	Finalizer *Finalizer
}

// Finalizer says what runs before an object is gone.
type Finalizer struct {
	// Name is what stands in metadata.finalizers, with a domain.
	Name string
	// Playbook is the absolute path of a file that existed when it was read.
	Playbook string
}

// For finds the watch of a kind; false where there is none.
func For(watches []Watch, kind schema.GroupVersionKind) (Watch, bool) {
	for _, watch := range watches {
		if watch.GroupVersionKind == kind {
			return watch, true
		}
	}
	return Watch{}, false
}
