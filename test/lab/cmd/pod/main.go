// Command pod is the only program of the image that the lab's Pods run. Without
// arguments it waits to be ended, as the container does that keeps a Pod's
// namespaces. With arguments such as tcp/80 and udp/53 it answers there, and
// prints who asked.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/nft-operator/nft-operator/test/lab/echo"
)

func main() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	for _, argument := range os.Args[1:] {
		if err := serve(argument); err != nil {
			fmt.Fprintf(os.Stderr, "serve %s: %v\n", argument, err)
			os.Exit(1)
		}
	}
	<-ended
}

func serve(argument string) error {
	protocol, port, _ := strings.Cut(argument, "/")
	seen := func(from net.Addr) {
		host, _, _ := net.SplitHostPort(from.String())
		fmt.Printf("%s from %s\n", argument, host)
	}
	switch protocol {
	case "tcp":
		listener, err := net.Listen("tcp", ":"+port)
		if err != nil {
			return err
		}
		go echo.Connections(listener, seen)
	case "udp":
		address, err := net.ResolveUDPAddr("udp", ":"+port)
		if err != nil {
			return err
		}
		socket, err := net.ListenUDP("udp", address)
		if err != nil {
			return err
		}
		go echo.Datagrams(socket, seen)
	default:
		return fmt.Errorf("%q is neither tcp nor udp", protocol)
	}
	return nil
}
