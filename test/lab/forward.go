package lab

import (
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// door is a socket that listens in the network outside of the lab while a
// process inside accepts from it: a socket keeps the network that it was made
// in. It is the lab's only connection with the world.
type door struct {
	file    *os.File
	address string
}

var heldDoor *door

func listenOutside(address string) (door, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return door{}, fmt.Errorf("open the lab's door: %w; choose another address", err)
	}
	defer func() { _ = listener.Close() }()
	file, err := listener.(*net.TCPListener).File()
	return door{file: file, address: listener.Addr().String()}, err
}

// holdDoor takes the socket over from the process that started this one.
func holdDoor() {
	address := os.Getenv(doorVariable)
	if address == "" {
		return
	}
	_ = os.Unsetenv(doorVariable)
	unix.CloseOnExec(doorDescriptor)
	heldDoor = &door{file: os.NewFile(doorDescriptor, "door"), address: address}
}

// forward joins every connection from outside with one to an address inside,
// until the lab ends.
func (d *door) forward(to string) error {
	listener, err := net.FileListener(d.file)
	if err != nil {
		return fmt.Errorf("listen at the lab's door: %w", err)
	}
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go join(from, to)
		}
	}()
	return nil
}

func join(from net.Conn, address string) {
	defer func() { _ = from.Close() }()
	to, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	done := make(chan struct{}, 2)
	for _, way := range []struct{ to, from net.Conn }{{to, from}, {from, to}} {
		go func() {
			_, _ = io.Copy(way.to, way.from)
			_ = way.to.(*net.TCPConn).CloseWrite()
			done <- struct{}{}
		}()
	}
	<-done
	<-done
}
