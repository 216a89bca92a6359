package lab

import (
	"archive/tar"
	"bytes"
	"path"
	"slices"
)

// machineFile is a file that a machine has besides its image's.
type machineFile struct {
	path, content string
	owner         string
	mode          int64
}

// Administrator is the account of every machine, as of Debian's own images, that
// may do everything by sudo.
const Administrator = "debian"

// files are a machine's own: its name, its networks, its host key.
func (m *Machine) files(networks map[string]string) []machineFile {
	files := []machineFile{
		{"etc/hostname", m.Name + "\n", "root", 0o644},
		{"etc/hosts", "127.0.0.1 localhost " + m.Name + "\n::1 localhost " + m.Name + "\n", "root", 0o644},
		{relative(hostKeyFile), string(m.hostKey.Private), "root", 0o600},
		{relative(hostKeyFile) + ".pub", m.hostKey.Public + "\n", "root", 0o644},
	}
	for link, text := range networks {
		files = append(files, machineFile{"etc/systemd/network/" + link + ".network", text, "root", 0o644})
	}
	return files
}

// keysOf lets a key log in to an account.
func keysOf(account string, key Key) machineFile {
	return machineFile{"home/" + account + "/.ssh/authorized_keys", key.Public + "\n", account, 0o600}
}

// gatewayFiles are what makes a gateway of a machine, for those tests that are
// not about making one.
var gatewayFiles = []machineFile{
	{"etc/sudoers.d/" + User, User + " ALL=(ALL:ALL) NOPASSWD: ALL\n", "root", 0o440},
	{"etc/ssh/sshd_config.d/gateway.conf", "PermitRootLogin no\nPasswordAuthentication no\n", "root", 0o644},
	{"etc/sysctl.d/gateway.conf", "net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\n", "root", 0o644},
}

// furnish writes the files, lets the key log in as Administrator, and lets all of
// it take effect, once and for every boot to come.
func (m *Machine) furnish(files []machineFile, key Key) error {
	return m.unpack(append(files, keysOf(Administrator, key)), "")
}

// furnishGateway does so, makes a gateway of the machine, and lets the key log in
// as User.
func (m *Machine) furnishGateway(files []machineFile, key Key) error {
	return m.unpack(slices.Concat(files, gatewayFiles, []machineFile{keysOf(User, key)}),
		"useradd --create-home --shell /bin/sh --password '*' "+User+"; systemctl enable --quiet nftables.service\n")
}

// unpack writes the files, after a script.
func (m *Machine) unpack(files []machineFile, script string) error {
	archive, err := archiveOf(files)
	if err != nil {
		return err
	}
	script += `tar --extract --directory=/; hostname --file /etc/hostname; sync
systemctl restart systemd-sysctl.service systemd-networkd.service ssh.service`
	_, err = m.agent.execute(archive, "sh", "-euc", script)
	return err
}

func archiveOf(files []machineFile) (*bytes.Buffer, error) {
	archive := &bytes.Buffer{}
	writer := tar.NewWriter(archive)
	for _, file := range files {
		if file.owner != "root" {
			folder := &tar.Header{Typeflag: tar.TypeDir, Name: path.Dir(file.path), Uname: file.owner, Gname: file.owner, Mode: 0o700}
			if err := writer.WriteHeader(folder); err != nil {
				return nil, err
			}
		}
		header := &tar.Header{Name: file.path, Size: int64(len(file.content)), Uname: file.owner, Gname: file.owner, Mode: file.mode}
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := writer.Write([]byte(file.content)); err != nil {
			return nil, err
		}
	}
	return archive, writer.Close()
}
