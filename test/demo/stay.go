package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/nft-operator/nft-operator/test/lab"
)

// openDoor lets kubectl in from outside of the lab.
func (w *world) openDoor() error {
	if err := w.kube.OpenDoor(outsideKubeconfig()); err != nil {
		return err
	}
	return giveOutside()
}

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
%[1]s

   export KUBECONFIG=%[2]s
%[3]s
   kubectl get pods -A
   kubectl get nftgw,nftgwh -A -o wide
   kubectl describe nftgatewayhost -n %[4]s
   kubectl logs -n %[4]s -l app.kubernetes.io/name=nft-operator --prefix
   kubectl describe service -n %[5]s squatter
   kubectl create deployment hello --image=%[10]s -- /pod tcp/80
   kubectl expose deployment hello --type=LoadBalancer --port=80
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
		enter(here), lab.PodImage)
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
