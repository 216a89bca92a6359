package lab

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/nft-operator/nft-operator/test/lab/echo"
)

// Server echoes what it gets, TCP connections and UDP datagrams alike.
type Server struct{ listener io.Closer }

// Close ends the server. Connections that it has go on.
func (s *Server) Close() error { return s.listener.Close() }

// Serve starts an echo server in the namespace. The kernel has no SCTP sockets;
// [Topology.Scan] shows where SCTP packets come through.
func (n *Namespace) Serve(protocol Protocol, at netip.AddrPort) (server *Server, err error) {
	err = n.Do(func() error {
		switch protocol {
		case TCP:
			listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
			if err != nil {
				return err
			}
			go echo.Connections(listener, nil)
			server = &Server{listener}
			return nil
		case UDP:
			socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
			if err != nil {
				return err
			}
			go echo.Datagrams(socket, nil)
			server = &Server{socket}
			return nil
		default:
			return errNoSockets(protocol)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("serve %s at %s in namespace %s: %w", protocol, at, n.Name, err)
	}
	return server, nil
}

func errNoSockets(protocol Protocol) error {
	return fmt.Errorf("there are no %s sockets in the lab; use Scan", protocol)
}

// Dial connects from the namespace, and from one of its addresses where from is
// valid. Closed doors drop packets rather than refuse, so patience decides.
func (n *Namespace) Dial(protocol Protocol, from netip.Addr, to netip.AddrPort, patience time.Duration) (connection net.Conn, err error) {
	err = n.Do(func() (err error) {
		connection, err = dialHere(protocol, from, to, patience)
		return err
	})
	return connection, err
}

// dialHere connects from the namespace of this thread.
func dialHere(protocol Protocol, from netip.Addr, to netip.AddrPort, patience time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var dialer net.Dialer
	source := netip.AddrPortFrom(from, 0)
	switch {
	case protocol != TCP && protocol != UDP:
		return nil, errNoSockets(protocol)
	case from.IsValid() && protocol == TCP:
		dialer.LocalAddr = net.TCPAddrFromAddrPort(source)
	case from.IsValid():
		dialer.LocalAddr = net.UDPAddrFromAddrPort(source)
	}
	// A single literal address is dialled on this thread.
	return dialer.DialContext(ctx, string(protocol), to.String())
}

// Knock is nil where an echo server is reached: it sends a line of its own and
// waits for the same line. An error that says "timeout" means that no answer
// came, one that says "refused" that the way is open and nobody serves.
func (n *Namespace) Knock(protocol Protocol, from netip.Addr, to netip.AddrPort, patience time.Duration) error {
	connection, err := n.Dial(protocol, from, to, patience)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	return Echo(connection, patience)
}

// Echo sends a line on a connection to an echo server and waits for it to come
// back.
func Echo(connection net.Conn, patience time.Duration) error {
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	line := rand.Text() + "\n"
	if _, err := io.WriteString(connection, line); err != nil {
		return err
	}
	answer, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil {
		return err
	}
	if answer != line {
		return fmt.Errorf("sent %q and got %q", line, answer)
	}
	return nil
}
