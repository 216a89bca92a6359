package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Machine is a gateway with a kernel and a systemd of its own: Debian 12 in a
// virtual machine, which qemu emulates without any help of the processor's. It
// forwards as a [Gateway] does, unless it is bare. The lab's key logs in as
// [User], who may use sudo; root may not log in.
type Machine struct {
	Name string
	// Public and Cluster are its addresses on both sides; sshd answers there.
	Public, Cluster Addresses

	hostKey Key
	monitor *monitor
	agent   *guestAgent
	console lockedBuffer
	process *exec.Cmd // qemu
	ended   chan struct{}
}

// bootTimeout is for a busy computer; on an idle one it takes 15 seconds.
const bootTimeout = 5 * time.Minute

// machineNumber tells a machine's addresses from those of other gateways.
const machineNumber = 51

// Link-layer addresses of a machine's network cards.
const (
	machinePublicLink  = "02:00:00:00:00:01"
	machineClusterLink = "02:00:00:00:00:02"
)

// NewMachine boots a machine with a fresh disk and waits until its sshd
// answers. [Isolation.Machine] must have been set. A topology has one at most.
func (t *Topology) NewMachine() (*Machine, error) { return t.newMachine((*Machine).furnishGateway) }

// NewBareMachine boots a machine that is no gateway yet: it does not forward,
// and nobody but [Administrator] can log in. What a gateway needs is installed,
// because there is no network to fetch it from.
func (t *Topology) NewBareMachine() (*Machine, error) { return t.newMachine((*Machine).furnish) }

func (t *Topology) newMachine(furnish func(*Machine, []machineFile, Key) error) (*Machine, error) {
	public := numbered(PublicNetworks, firstGatewayPublic+machineNumber-1)
	cluster := numbered(ClusterNetworks, firstGatewayCluster+machineNumber-1)
	m := &Machine{Name: "machine", Public: addressesOf(public), Cluster: addressesOf(cluster), ended: make(chan struct{})}
	var err error
	if m.hostKey, err = NewKey(m.Name); err != nil {
		return nil, err
	}
	if err := m.powerOn(t); err != nil {
		return nil, fmt.Errorf("start qemu: %w\n%s", err, m.Console())
	}
	files := m.files(map[string]string{
		PublicInterface:  networkFile(PublicInterface, public, nil),
		ClusterInterface: networkFile(ClusterInterface, cluster, loadBalancerRoutes(t.Node)),
	})
	for _, step := range []func() error{
		func() error { return m.agent.awaitRunning(bootTimeout) },
		func() error { return furnish(m, files, t.Key) },
		func() error { return awaitSSH(m.Cluster.IPv4) },
	} {
		if err := step(); err != nil {
			return nil, errors.Join(fmt.Errorf("boot %s: %w\n%s", m.Name, err, m.Console()), m.Close())
		}
	}
	return m, nil
}

// powerOn starts qemu, with its two network cards and two wires to it.
func (m *Machine) powerOn(t *Topology) error {
	public, err := newTap(t.public, m.Name+"-"+PublicInterface)
	if err != nil {
		return err
	}
	defer func() { _ = public.Close() }()
	cluster, err := newTap(t.cluster, m.Name+"-"+ClusterInterface)
	if err != nil {
		return err
	}
	defer func() { _ = cluster.Close() }()
	toMonitor, monitorEnd, err := newWire()
	if err != nil {
		return err
	}
	defer func() { _ = monitorEnd.Close() }()
	toAgent, agentEnd, err := newWire()
	if err != nil {
		return err
	}
	defer func() { _ = agentEnd.Close() }()

	m.process = exec.Command("qemu-system-x86_64", qemuArguments(os.Getenv(machineVariable))...)
	m.process.ExtraFiles = []*os.File{public, cluster, monitorEnd, agentEnd}
	m.process.Stdout, m.process.Stderr = &m.console, &m.console
	if err := m.process.Start(); err != nil {
		return fmt.Errorf("%w: apt-get install qemu-system-x86", err)
	}
	go func() {
		_ = m.process.Wait()
		close(m.ended)
	}()
	m.agent = newGuestAgent(toAgent)
	m.monitor, err = newMonitor(toMonitor)
	return err
}

// qemuArguments name what powerOn hands down, by its number: the public and the
// cluster side's network card, the monitor's wire, the agent's.
func qemuArguments(image string) []string {
	return []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35", "-accel", "tcg", "-smp", "2", "-m", "512",
		"-kernel", filepath.Join(image, machineKernel), "-initrd", filepath.Join(image, machineInitrd),
		"-append", "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=1 net.ifnames=0 mitigations=off",
		"-serial", "stdio",
		// What the machine writes goes to an unnamed file in TMPDIR. It survives a
		// reset and nothing else.
		"-drive", "if=virtio,format=raw,snapshot=on,cache=unsafe,file=" + filepath.Join(image, machineDisk),
		"-netdev", "tap,id=public,fd=3", "-device", "virtio-net-pci,netdev=public,addr=0x10,romfile=,mac=" + machinePublicLink,
		"-netdev", "tap,id=cluster,fd=4", "-device", "virtio-net-pci,netdev=cluster,addr=0x11,romfile=,mac=" + machineClusterLink,
		"-chardev", "socket,id=monitor,fd=5", "-mon", "chardev=monitor,mode=control",
		"-chardev", "socket,id=agent,fd=6", "-device", "virtio-serial-pci",
		"-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
		"-device", "virtio-rng-pci",
	}
}

// newWire connects this process with one that it starts.
func newWire() (here net.Conn, there *os.File, err error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	file := os.NewFile(uintptr(ends[0]), "wire")
	defer func() { _ = file.Close() }()
	here, err = net.FileConn(file)
	return here, os.NewFile(uintptr(ends[1]), "wire"), err
}

// Close switches the machine off; its disk is gone then.
func (m *Machine) Close() error {
	if err := m.process.Process.Kill(); err != nil {
		return fmt.Errorf("end %s: %w", m.Name, err)
	}
	<-m.ended
	return errors.Join(m.agent.connection.Close(), m.monitor.connection.Close())
}

// Sides is Router's.
func (m *Machine) Sides() (public, cluster Addresses) { return m.Public, m.Cluster }

func (m *Machine) publicLink() (net.HardwareAddr, error) { return net.ParseMAC(machinePublicLink) }

// Console is what the machine wrote to its console, and qemu to its log.
func (m *Machine) Console() string { return m.console.String() }

// KnownHostsLine names the machine's addresses and its host key as a
// known_hosts file does.
func (m *Machine) KnownHostsLine() string {
	return fmt.Sprintf("%s,%s %s\n", m.Cluster.IPv4, m.Cluster.IPv6, m.hostKey.Public)
}

// AwaitSSH waits until sshd answers this process, on the cluster side.
func (m *Machine) AwaitSSH() error { return awaitSSH(m.Cluster.IPv4) }

// Reboot shuts the machine down as its administrator would, and waits until it
// has booted.
func (m *Machine) Reboot() error {
	m.monitor.forgetEvents()
	if _, err := m.agent.start(nil, "systemctl", "reboot", "--no-block"); err != nil {
		return err
	}
	return m.awaitBoot()
}

// Reset takes the power away for a moment, and waits until the machine has
// booted. What it had not written to its disk is lost.
func (m *Machine) Reset() error {
	m.monitor.forgetEvents()
	if err := m.monitor.call("system_reset"); err != nil {
		return err
	}
	return m.awaitBoot()
}

func (m *Machine) awaitBoot() error {
	if err := m.monitor.awaitEvent(resetEvent, bootTimeout); err != nil {
		return err
	}
	if err := m.agent.awaitRunning(bootTimeout); err != nil {
		return err
	}
	// It fails too where a service has failed, which is not the lab's to judge.
	_, _ = m.Exec("systemctl", "is-system-running", "--wait")
	return nil
}

// MoveClock sets the machine's clock forwards, or backwards where by is less
// than zero.
func (m *Machine) MoveClock(by time.Duration) error {
	_, err := m.Exec("date", fmt.Sprintf("--set=%+d seconds", int(by.Seconds())))
	return err
}

// Exec runs a command as root in the machine, beside SSH, and returns what it
// printed.
func (m *Machine) Exec(command ...string) (string, error) {
	output, err := m.agent.execute(nil, command...)
	if err != nil {
		err = fmt.Errorf("on %s: %w", m.Name, err)
	}
	return string(output), err
}

// Ruleset lists what the machine's kernel enforces, as nft prints it, without
// counters and other state.
func (m *Machine) Ruleset() (string, error) {
	return m.Exec("nft", "--stateless", "list", "ruleset")
}

// ReadFile reads a file of the machine.
func (m *Machine) ReadFile(path string) ([]byte, error) {
	content, err := m.Exec("cat", path)
	return []byte(content), err
}

// ReplaceFile writes a file of the machine, with its directories where they are
// missing, and down to the disk.
func (m *Machine) ReplaceFile(path string, content []byte, mode fs.FileMode) error {
	const script = `mkdir -p "$(dirname "$1")"; rm -rf "$1"; cat >"$1"; chmod "$2" "$1"; sync "$1"`
	_, err := m.agent.execute(strings.NewReader(string(content)), "sh", "-euc", script, "sh", path, fmt.Sprintf("%o", mode))
	return err
}
