package forkserver

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// socketPair makes two ends of a connection that keeps messages apart.
func socketPair() (ours *net.UnixConn, theirs *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	theirs = os.NewFile(uintptr(pair[1]), "their end")
	file := os.NewFile(uintptr(pair[0]), "our end")
	defer func() { _ = file.Close() }()
	connection, err := net.FileConn(file)
	if err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return connection.(*net.UnixConn), theirs, nil
}
