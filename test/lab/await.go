package lab

import (
	"fmt"
	"time"
)

// pollInterval is short, because what the lab waits for is near.
const pollInterval = 10 * time.Millisecond

// await asks until the answer is no error.
func await(timeout time.Duration, ask func() error) error {
	deadline := time.Now().Add(timeout)
	for {
		err := ask()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited %s: %w", timeout, err)
		}
		time.Sleep(pollInterval)
	}
}
