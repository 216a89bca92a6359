package e2e

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/nft-operator/nft-operator/test/lab"
)

// assertWayIn fails unless a new connection to each host's sshd is answered. An
// operator that can still log in proves less: it keeps connections.
func assertWayIn(t *testing.T, boxes ...*lab.Box) {
	t.Helper()
	for _, box := range boxes {
		if err := greetedBySSH(box); err != nil {
			t.Errorf("no way in to %s: %v", box.Name, err)
		}
	}
}

func greetedBySSH(box *lab.Box) error {
	connection, err := net.DialTimeout("tcp", net.JoinHostPort(box.Cluster.IPv4.String(), "22"), openPatience)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	greeting := make([]byte, len("SSH-"))
	if err := connection.SetReadDeadline(time.Now().Add(openPatience)); err != nil {
		return err
	}
	if _, err := connection.Read(greeting); err != nil {
		return err
	}
	if string(greeting) != "SSH-" {
		return errors.New("something else than sshd answers")
	}
	return nil
}

// startSSH has the host's sshd running, if it does not run already.
func startSSH(t *testing.T, box *lab.Box) {
	t.Helper()
	must(t, box.StartSSH())
}
