package controllers

import (
	"errors"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// errOutdated says that the cache has not seen the last write yet.
var errOutdated = errors.New("the cache has not seen the last write of this object yet")

// outdatedVersions remembers which version of each object the last write was
// made of. Writes are made on the version that the cache has, and only where
// that is the latest, so an object of the cache is behind the last write if, and
// only if, it is that version still. Without this, a status that turns and turns
// back at once would be taken for one that never turned.
type outdatedVersions struct {
	mutex    sync.Mutex
	byObject map[types.NamespacedName]string
}

// note takes an object as it was before a write and as it came back. A write that
// changed nothing in the API server makes no new version to wait for.
func (o *outdatedVersions) note(before, after client.Object) {
	if before.GetResourceVersion() == after.GetResourceVersion() {
		return
	}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.byObject == nil {
		o.byObject = map[types.NamespacedName]string{}
	}
	o.byObject[client.ObjectKeyFromObject(before)] = before.GetResourceVersion()
}

func (o *outdatedVersions) is(cached client.Object) bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return cached.GetResourceVersion() == o.byObject[client.ObjectKeyFromObject(cached)]
}

func (o *outdatedVersions) forget(object types.NamespacedName) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	delete(o.byObject, object)
}
