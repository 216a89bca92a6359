package lab

import (
	"archive/tar"
	"bytes"
	"path"
)

// machineFile is a file that a machine has besides its image's.
type machineFile struct {
	path, content string
	owner         string
	mode          int64
}

// files are a machine's own: its name, its networks, its keys.
func (m *Machine) files(key Key, networks map[string]string) []machineFile {
	files := []machineFile{
		{"etc/hostname", m.Name + "\n", "root", 0o644},
		{"etc/hosts", "127.0.0.1 localhost " + m.Name + "\n::1 localhost " + m.Name + "\n", "root", 0o644},
		{relative(hostKeyFile), string(m.hostKey.Private), "root", 0o600},
		{relative(hostKeyFile) + ".pub", m.hostKey.Public + "\n", "root", 0o644},
		{"home/" + User + "/.ssh/authorized_keys", key.Public + "\n", User, 0o600},
	}
	for link, text := range networks {
		files = append(files, machineFile{"etc/systemd/network/" + link + ".network", text, "root", 0o644})
	}
	return files
}

// furnish writes the files and lets them take effect, once and for every boot
// to come.
func (m *Machine) furnish(files []machineFile) error {
	archive, err := archiveOf(files)
	if err != nil {
		return err
	}
	const script = `tar --extract --directory=/; hostname --file /etc/hostname; sync
systemctl restart systemd-networkd.service ssh.service`
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
