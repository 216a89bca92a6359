package lab

import (
	"os"
	"os/signal"
	"syscall"
)

// reap does pid 1's duty, waiting for every orphan, until the process awaited
// ends. It never returns when awaited is 0.
func reap(awaited int) syscall.WaitStatus {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil || pid == 0:
			<-ended
		case pid == awaited:
			return status
		}
	}
}
