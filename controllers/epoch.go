package controllers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

// The Lease that remembers the epoch of the latest operator, and where in it.
const (
	EpochLease      = "nft-operator-epoch"
	AnnotationEpoch = "nft-operator.io/epoch"
)

// ErrSuperseded ends an operator after another one took over. It must neither
// run playbooks nor write a status any more: both would be of the past.
var ErrSuperseded = errors.New("superseded: another operator has taken over since this one started; let only one of them run, or turn leader election on")

// Epoch orders this operator among all that ever wrote to its hosts. Leader
// election keeps two operators from working at one time, most of the time; the
// hosts themselves refuse whoever was overtaken.
type Epoch struct {
	leases coordinationclient.LeaseInterface
	now    func() time.Time

	mutex    sync.Mutex
	taken    int64 // zero before the first run
	sequence int64
	lost     chan struct{} // closed when another operator is known to be newer
}

func newEpoch(manager ctrl.Manager, namespace string) (*Epoch, error) {
	leases, err := coordinationclient.NewForConfigAndClient(manager.GetConfig(), manager.GetHTTPClient())
	if err != nil {
		return nil, err
	}
	return &Epoch{leases: leases.Leases(namespace), now: time.Now, lost: make(chan struct{})}, nil
}

// Start ends the manager when the operator is superseded.
func (e *Epoch) Start(ctx context.Context) error {
	select {
	case <-e.lost:
		return ErrSuperseded
	case <-ctx.Done():
		return nil
	}
}

// fence is that of the next run: newer than any before. The epoch is taken by
// the first run, so that an operator that only waits supersedes nobody.
func (e *Epoch) fence(ctx context.Context) (*ansible.Fence, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.superseded() {
		return nil, ErrSuperseded
	}
	if e.taken == 0 {
		taken, err := e.take(ctx)
		if err != nil {
			return nil, fmt.Errorf("taking an epoch in Lease %s: %w", EpochLease, err)
		}
		e.taken = taken
	}
	e.sequence++
	return &ansible.Fence{Epoch: e.taken, Sequence: e.sequence}, nil
}

// take writes an epoch that is newer than the one in the Lease, and than those
// of a cluster that this one replaced: nobody but who wrote it has it.
func (e *Epoch) take(ctx context.Context) (int64, error) {
	lease, err := e.leases.Get(ctx, EpochLease, metav1.GetOptions{})
	missing := apierrors.IsNotFound(err)
	if missing {
		lease = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: EpochLease}}
	} else if err != nil {
		return 0, err
	}
	taken := max(epochIn(lease)+1, e.now().Unix())
	if lease.Annotations == nil {
		lease.Annotations = map[string]string{}
	}
	lease.Annotations[AnnotationEpoch] = strconv.FormatInt(taken, 10)
	holder, _ := os.Hostname()
	lease.Spec.HolderIdentity = &holder
	lease.Spec.AcquireTime = &metav1.MicroTime{Time: e.now()}
	if missing {
		_, err = e.leases.Create(ctx, lease, metav1.CreateOptions{})
	} else {
		_, err = e.leases.Update(ctx, lease, metav1.UpdateOptions{})
	}
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) { // another was faster, and may be newer
		return e.take(ctx)
	}
	return taken, err
}

// epochIn reads a Lease; zero where it holds none, which only a person's edit
// could bring about: the clock is the floor then.
func epochIn(lease *coordinationv1.Lease) int64 {
	epoch, err := strconv.ParseInt(lease.Annotations[AnnotationEpoch], 10, 64)
	if err != nil {
		return 0
	}
	return epoch
}

// overtaken asks the API server whether another operator is newer than this
// one, and ends this one if so.
func (e *Epoch) overtaken(ctx context.Context) (bool, error) {
	lease, err := e.leases.Get(ctx, EpochLease, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return false, err
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if err == nil && epochIn(lease) > e.taken && !e.superseded() {
		close(e.lost)
	}
	return e.superseded(), nil
}

// superseded reports whether another operator is known to be newer.
func (e *Epoch) superseded() bool {
	select {
	case <-e.lost:
		return true
	default:
		return false
	}
}
