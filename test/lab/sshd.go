package lab

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const hostKeyFile = "/etc/ssh/ssh_host_ed25519_key"

const sshdConfiguration = `# Written by the lab.
Port 22
HostKey ` + hostKeyFile + `
PidFile /run/sshd.pid
LogLevel VERBOSE
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
MaxSessions 100
Subsystem sftp internal-sftp
`

// sshdTimeout is far more than sshd takes to start or to die.
const sshdTimeout = 15 * time.Second

// NewHostKeys gives the box other SSH host keys and restarts its sshd.
func (b *Box) NewHostKeys() error {
	key, err := NewKey(b.Name)
	if err != nil {
		return err
	}
	if err := b.StopSSH(); err != nil {
		return err
	}
	b.hostKey = key
	if err := b.ReplaceFile(hostKeyFile, key.Private, 0o600); err != nil {
		return err
	}
	return b.StartSSH()
}

// KnownHostsLine names the box's addresses and its host key as a known_hosts
// file does.
func (b *Box) KnownHostsLine() string {
	return fmt.Sprintf("%s,%s %s\n", b.Cluster.IPv4, b.Cluster.IPv6, b.hostKey.Public)
}

// StartSSH starts sshd and waits until it answers on both address families.
func (b *Box) StartSSH() error {
	if _, err := b.Exec("/usr/sbin/sshd", "-E", "/var/log/sshd.log"); err != nil {
		return err
	}
	// Asked from inside of the box, so that neither a black hole nor a ruleset
	// keeps it from being started.
	for _, address := range []string{"127.0.0.1", "::1"} {
		if err := b.Do(func() error { return awaitSSH(netip.MustParseAddr(address)) }); err != nil {
			log, _ := b.ReadFile("/var/log/sshd.log")
			return fmt.Errorf("sshd of %s does not answer: %w; its log: %s", b.Name, err, log)
		}
	}
	return nil
}

func awaitSSH(address netip.Addr) error {
	return await(sshdTimeout, func() error {
		connection, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(netip.AddrPortFrom(address, 22)))
		if err != nil {
			return err
		}
		defer func() { _ = connection.Close() }()
		if err := connection.SetDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		_, err = bufio.NewReader(connection).ReadString('\n')
		return err
	})
}

// StopSSH ends sshd with every session, as a host does that goes down.
func (b *Box) StopSSH() error {
	return await(sshdTimeout, func() error {
		running, err := b.processes("sshd")
		if err != nil || len(running) == 0 {
			return err
		}
		for _, process := range running {
			_ = syscall.Kill(process, syscall.SIGKILL)
		}
		return fmt.Errorf("sshd of %s still runs", b.Name)
	})
}

// processes lists the box's processes of a name, by their numbers in the lab.
func (b *Box) processes(name string) ([]int, error) {
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", b.process.Process.Pid))
	if err != nil {
		return nil, fmt.Errorf("%s is gone: %w", b.Name, err)
	}
	names, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return nil, err
	}
	var found []int
	for _, file := range names {
		// A process that ends meanwhile is none of those asked for.
		comm, _ := os.ReadFile(file)
		space, _ := os.Readlink(filepath.Join(filepath.Dir(file), "ns", "pid"))
		if strings.TrimSpace(string(comm)) != name || space != own {
			continue
		}
		number, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			return nil, err
		}
		found = append(found, number)
	}
	return found, nil
}
