package lab

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Namespace is a named network namespace; `ip netns exec NAME` works on it too.
type Namespace struct {
	// Name is what the file in /run/netns is called.
	Name string

	handle netns.NsHandle
	links  *netlink.Handle
}

// NewNamespace makes a network namespace with its loopback up.
func NewNamespace(name string) (*Namespace, error) {
	if !inside {
		return nil, fmt.Errorf("make namespace %s: call lab.Isolate first, in TestMain or main", name)
	}
	n := &Namespace{Name: name}
	err := onOwnThread(func() (err error) {
		if n.handle, err = netns.NewNamed(name); err != nil {
			return err
		}
		return calmDown()
	})
	if err != nil {
		return nil, fmt.Errorf("make namespace %s: %w", name, err)
	}
	if n.links, err = netlink.NewHandleAt(n.handle); err != nil {
		return nil, fmt.Errorf("open namespace %s: %w", name, err)
	}
	return n, n.setUp("lo")
}

// Close takes the namespace's name away; it ends with its last process.
func (n *Namespace) Close() error {
	n.links.Close()
	_ = n.handle.Close()
	return netns.DeleteNamed(n.Name)
}

// Do runs f with its thread in the namespace: sockets that f opens, and
// processes that it starts, belong there. What f leaves to other goroutines
// does not.
func (n *Namespace) Do(f func() error) error {
	return onOwnThread(func() error {
		if err := netns.Set(n.handle); err != nil {
			return fmt.Errorf("enter namespace %s: %w", n.Name, err)
		}
		return f()
	})
}

// onOwnThread runs f on a thread that is thrown away afterwards, because f
// changes its namespace.
func onOwnThread(f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		result <- f()
	}()
	return <-result
}

// Command is a command that runs in the namespace.
func (n *Namespace) Command(name string, arguments ...string) *exec.Cmd {
	enter := []string{"--net=" + filepath.Join("/run/netns", n.Name), "--", name}
	return exec.Command("nsenter", append(enter, arguments...)...)
}

// Nft loads a script into the namespace, in one transaction.
func (n *Namespace) Nft(script string) error {
	return runNft(n.Command("nft", "-f", "-"), script)
}

func runNft(cmd *exec.Cmd, script string) error {
	cmd.Stdin = strings.NewReader(script)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, bytes.TrimSpace(output))
	}
	return nil
}

// Sysctl sets a value of the namespace, for example "ipv4/ip_forward" to "1".
func (n *Namespace) Sysctl(name, value string) error {
	return n.Do(func() error { return setSysctl(name, value) })
}

func setSysctl(name, value string) error {
	return os.WriteFile(filepath.Join("/proc/sys/net", name), []byte(value), 0)
}

// calmDown switches off, in the thread's namespace, what would make the lab
// wait or wonder: duplicate address detection, router advertisements,
// redirects, and reverse path filters inherited from the machine.
func calmDown() error {
	for _, name := range []string{
		"ipv6/conf/%s/accept_dad", "ipv6/conf/%s/dad_transmits", "ipv6/conf/%s/accept_ra", "ipv6/conf/%s/accept_redirects",
		"ipv4/conf/%s/rp_filter", "ipv4/conf/%s/accept_redirects", "ipv4/conf/%s/send_redirects",
	} {
		for _, scope := range []string{"all", "default"} {
			if err := setSysctl(fmt.Sprintf(name, scope), "0"); err != nil {
				return fmt.Errorf("%w; the lab needs a kernel with IPv6 switched on", err)
			}
		}
	}
	return nil
}

func (n *Namespace) setUp(link string) error {
	found, err := n.links.LinkByName(link)
	if err != nil {
		return fmt.Errorf("find %s in namespace %s: %w", link, n.Name, err)
	}
	return n.links.LinkSetUp(found)
}

// AddAddress gives an interface an address, usable at once.
func (n *Namespace) AddAddress(link string, address netip.Prefix) error {
	found, err := n.links.LinkByName(link)
	if err != nil {
		return fmt.Errorf("find %s in namespace %s: %w", link, n.Name, err)
	}
	return addAddress(n.links, found, address)
}

// RemoveAddress takes an address away from an interface.
func (n *Namespace) RemoveAddress(link string, address netip.Prefix) error {
	found, err := n.links.LinkByName(link)
	if err != nil {
		return fmt.Errorf("find %s in namespace %s: %w", link, n.Name, err)
	}
	return n.links.AddrDel(found, &netlink.Addr{IPNet: ipNet(address)})
}

func addAddress(links *netlink.Handle, link netlink.Link, address netip.Prefix) error {
	flags := 0
	if address.Addr().Is6() {
		flags = unix.IFA_F_NODAD
	}
	err := links.AddrAdd(link, &netlink.Addr{IPNet: ipNet(address), Flags: flags})
	if err != nil {
		return fmt.Errorf("give %s to %s: %w", address, link.Attrs().Name, err)
	}
	return nil
}
