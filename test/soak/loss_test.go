package soak

import (
	"fmt"
	"os/exec"
	"strings"

	"github.com/nft-operator/nft-operator/test/lab"
)

// lossCounters show what each part of the way dropped, whatever the reason.
const lossCounters = `cat /proc/net/stat/nf_conntrack; nstat -a | grep -E "Drop|Discard|Overflow|Fail|Abort|Error|NoRoute"; ip -6 neighbour; true`

// whereLost tells what gateway, client and node know of a packet that did not
// arrive: whether the firewall dropped it, and what else was dropped there.
func (w *world) whereLost(loss lab.Loss) string {
	var told strings.Builder
	set := "drops4"
	if loss.To.Addr().Is6() {
		set = "drops6"
	}
	dropped, err := w.gateway.Exec("sh", "-c", fmt.Sprintf("nft list set inet nft_operator %s | grep -F '%s . %s . %s . %d '", set, loss.From, loss.To.Addr(), loss.Protocol, loss.To.Port()))
	fmt.Fprintf(&told, "the firewall dropped of that: %q (%v)\n", strings.TrimSpace(dropped), err)
	for name, part := range map[string]*lab.Namespace{"gateway": w.gateway.Namespace, "client": w.net.Client.Namespace, "node": w.net.Node.Namespace} {
		counters, err := part.Command("sh", "-c", lossCounters).CombinedOutput()
		fmt.Fprintf(&told, "%s (%v):\n%s", name, err, counters)
	}
	told.WriteString(lost(exec.Command("cat", "/proc/net/softnet_stat").Output()))
	return told.String()
}

func lost(softnet []byte, err error) string {
	return fmt.Sprintf("queues between interfaces (%v):\n%s", err, softnet)
}
