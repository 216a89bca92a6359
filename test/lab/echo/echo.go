// Package echo has the servers that the lab puts behind addresses: they send
// back what they get, so that whoever asks knows that the answer is to the
// question.
package echo

import (
	"errors"
	"io"
	"net"
	"net/netip"
)

// datagramSize is more than a datagram of the lab ever has.
const datagramSize = 2048

// Connections answers TCP until the listener is closed. Who connected is told to
// seen, if that is not nil.
func Connections(listener net.Listener, seen func(net.Addr)) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		if seen != nil {
			seen(connection.RemoteAddr())
		}
		go func() {
			defer func() { _ = connection.Close() }()
			_, _ = io.Copy(connection, connection)
		}()
	}
}

// Datagrams answers UDP until the socket is closed.
func Datagrams(socket *net.UDPConn, seen func(net.Addr)) {
	buffer := make([]byte, datagramSize)
	for {
		length, from, err := socket.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if seen != nil {
			seen(net.UDPAddrFromAddrPort(netip.AddrPortFrom(from.Addr().Unmap(), from.Port())))
		}
		_, _ = socket.WriteToUDPAddrPort(buffer[:length], from)
	}
}
