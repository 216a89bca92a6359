package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// patience is for a slow machine; what is awaited takes a second or two.
	patience     = 60 * time.Second
	pollInterval = 50 * time.Millisecond
)

// await asks until there is no complaint.
func await(ctx context.Context, ask func() error) error {
	var complaint error
	err := wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(context.Context) (bool, error) {
		complaint = ask()
		return complaint == nil, nil
	})
	if err != nil {
		return fmt.Errorf("after %s: %w", patience, complaint)
	}
	return nil
}

// awaitCondition awaits a status and reason of the condition that get finds.
func awaitCondition(
	ctx context.Context, status metav1.ConditionStatus, reason string, get func() (*metav1.Condition, error),
) (found metav1.Condition, err error) {
	err = await(ctx, func() error {
		condition, err := get()
		switch {
		case err != nil:
			return err
		case condition == nil:
			return errors.New("nothing is reported")
		case condition.Status != status || condition.Reason != reason:
			return fmt.Errorf("%s is %s, %s: %s", condition.Type, condition.Status, condition.Reason, condition.Message)
		}
		found = *condition
		return nil
	})
	return found, err
}
