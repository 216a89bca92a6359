package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/nft-operator/nft-operator/test/lab"
)

// openDoor lets kubectl in from outside of the lab, and lets the node answer
// the client on every TCP port of the addresses that Services get from the pools.
func (w *world) openDoor() error {
	if err := w.kube.OpenDoor(outsideKubeconfig()); err != nil {
		return err
	}
	if err := giveOutside(); err != nil {
		return err
	}
	if err := w.serve(door{lab.TCP, netip.AddrPortFrom(netip.IPv6Unspecified(), greeterPort)}); err != nil {
		return err
	}
	return w.net.Node.Nft(fmt.Sprintf(`table inet greeter {
	chain arriving {
		type nat hook prerouting priority dstnat;
		ip daddr %s meta l4proto tcp redirect to :%d
		ip6 daddr %s meta l4proto tcp redirect to :%[2]d
	}
}
`, pools[0], greeterPort, pools[1]))
}

// greeterPort is where the node's server for everything listens.
const greeterPort = 7

// invite says how to look around.
func (w *world) invite(t *teller) error {
	gateway, err := w.net.Gateways[0].Exec("readlink", "/proc/self/ns/pid")
	if err != nil {
		return err
	}
	here, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return err
	}
	t.line(`
%s

   export KUBECONFIG=%s
%s
   kubectl get nftgw,nftgwh -A -o wide
   kubectl describe nftgatewayhost -n %s
   kubectl describe service -n %s squatter
   kubectl create service loadbalancer hello --tcp=80
   kubectl get service hello -o wide        # its address is the first of the pool
   kubectl describe service hello           # where it is open

Knock on it from the client outside, by gw1:

   %[9]s ip netns exec client timeout 1 bash -c '</dev/tcp/%[7]s/80' && echo open || echo closed

Look into gw1: the ruleset in the kernel, its files, or a shell:

   %[6]s nft list table inet nft_operator
   %[6]s cat /etc/nftables.conf
   %[6]s bash

%[8]s`,
		t.paint(bold, "The world stays up. In another terminal, on this machine:"),
		outsideKubeconfig(), kubectlHint(w.kube.KubectlPath), lab.OperatorNamespace, namespace,
		enter(gateway), pools[0].Masked().Addr().Next(),
		t.paint(bold, "Ctrl-C ends it, and all of it is gone."),
		enter(here))
	return nil
}

// kubectlHint brings the lab's kubectl onto the path of who has none.
func kubectlHint(path string) string {
	if _, err := exec.LookPath("kubectl"); err == nil {
		return ""
	}
	return fmt.Sprintf("   export PATH=%s:$PATH\n", filepath.Dir(path))
}

// enter is the command that runs another, from outside, where a process
// namespace is. Numbers of processes differ inside and outside; those of
// namespaces do not. link is what /proc/PID/ns/pid says, "pid:[4026531836]".
func enter(link string) string {
	sudo := ""
	if os.Getenv("SUDO_UID") != "" {
		sudo = "sudo "
	}
	number := strings.Trim(strings.TrimSpace(link), "pid:[]")
	return fmt.Sprintf("%snsenter --target $(%[1]slsns -no PID %s | head -n1) --all --root --wd", sudo, number)
}
