package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// container is a program confined as a kubelet confines the operator's: an image
// that cannot be written to, a few mounts, and a user who can become nobody else.
// Its network is the lab's.
type container struct {
	Name        string
	Layer       string // of the image, over the machine's files
	Root        string // where the image is mounted
	Mounts      []bind
	Command     []string
	Environment []string

	// OwnProcesses makes its first process pid 1, as in a Pod: when that ends,
	// the kernel ends all others.
	OwnProcesses bool
}

// bind is something of the lab that a container sees.
type bind struct {
	Source, Target string
	ReadOnly       bool
}

// containerVariable holds the container, for its first process.
const containerVariable = "NFT_OPERATOR_LAB_CONTAINER"

const (
	// containerUser has no line in /etc/passwd. OpenShift, for one, gives users
	// like it, in root's group.
	containerUser  = 1000650000
	containerGroup = 0

	serviceAccountMount = "/run/secrets/kubernetes.io/serviceaccount"
	operatorMount       = "/usr/local/bin/nft-operator"
	projectDirectory    = "/opt/nft-operator"
)

var containers atomic.Int32

// newContainer makes a container of the operator's image, with fresh volumes.
func newContainer(program string, volumes []volume) (*container, error) {
	layer, err := imageLayer()
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("nft-operator-%d", containers.Add(1))
	c := &container{
		Name:  name,
		Layer: layer,
		Root:  filepath.Join(labDirectory, "containers", name, "root"),
		Environment: []string{
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "HOSTNAME=" + name,
		},
		Mounts:       []bind{{Source: program, Target: operatorMount, ReadOnly: true}},
		OwnProcesses: true,
	}
	if err := os.MkdirAll(c.Root, 0o755); err != nil {
		return nil, err
	}
	for _, volume := range volumes {
		if err := c.addVolume(volume); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// addVolume makes memory that is root's and that everybody may write to, as a
// kubelet does. It outlives the container's processes.
func (c *container) addVolume(v volume) error {
	source := c.path(v.name)
	if err := os.Mkdir(source, 0o755); err != nil {
		return err
	}
	options := fmt.Sprintf("size=%d,mode=0777", v.bytes)
	if err := unix.Mount("tmpfs", source, "tmpfs", 0, options); err != nil {
		return fmt.Errorf("mount volume %s: %w", v.name, err)
	}
	c.Mounts = append(c.Mounts, bind{Source: source, Target: v.target})
	return nil
}

// addFiles shows the container a directory with files that only its user may
// read.
func (c *container) addFiles(target string, files map[string][]byte) error {
	source := c.path(filepath.Base(target))
	if err := os.Mkdir(source, 0o755); err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(source, name)
		if err := os.WriteFile(path, content, 0o400); err != nil {
			return err
		}
		if err := os.Chown(path, containerUser, containerGroup); err != nil {
			return err
		}
	}
	c.Mounts = append(c.Mounts, bind{Source: source, Target: target, ReadOnly: true})
	return nil
}

// path is that of something which the lab keeps for the container.
func (c *container) path(name string) string { return filepath.Join(filepath.Dir(c.Root), name) }

// outside is where the lab finds a path of a volume.
func (c *container) outside(path string) (string, error) {
	for _, mount := range c.Mounts {
		if rest, found := strings.CutPrefix(path, mount.Target+"/"); found {
			return filepath.Join(mount.Source, rest), nil
		}
	}
	return "", fmt.Errorf("%q is in no volume of the container", path)
}

// process is the container's first process, not yet started.
func (c *container) process() (*exec.Cmd, error) {
	description, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{c.Name + "-init"}
	cmd.Env = []string{stageVariable + "=" + stageContainer, containerVariable + "=" + string(description)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC}
	if c.OwnProcesses {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWPID
	}
	return cmd, nil
}

// imageEntryPoint is what the Dockerfile has a container run.
func imageEntryPoint() ([]string, error) {
	repository, err := repositoryRoot()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(repository, "Dockerfile"))
	if err != nil {
		return nil, err
	}
	var command []string
	line := regexp.MustCompile(`(?m)^ENTRYPOINT (.+)$`).FindSubmatch(text)
	if line == nil {
		return nil, errors.New("the Dockerfile has no ENTRYPOINT")
	}
	return command, json.Unmarshal(line[1], &command)
}

// projectFiles are what the Dockerfile copies into the image.
var projectFiles = []string{"ansible.cfg", "watches.yaml", "LICENSE", "playbooks", "roles", "templates"}

// imageLayer makes once what the operator's image has over the machine's
// programs: its own files, and places to mount something at.
var imageLayer = sync.OnceValues(func() (string, error) {
	repository, err := repositoryRoot()
	if err != nil {
		return "", err
	}
	layer := upper(filepath.Join(labDirectory, "image"))
	for _, step := range []func() error{
		func() error { return os.Mkdir(string(layer), 0o755) },
		layer.hideTheMachine,
		layer.emptyDirectories,
		func() error { return layer.write(operatorMount, "", 0o755) },
		func() error { return os.MkdirAll(filepath.Join(string(layer), serviceAccountMount), 0o755) },
		func() error { return layer.addVolumeMounts() },
		func() error { return layer.addProject(repository) },
	} {
		if err := step(); err != nil {
			return "", fmt.Errorf("make the operator's image: %w", err)
		}
	}
	return string(layer), nil
})

func (u upper) addVolumeMounts() error {
	deployment, err := readDeployment()
	if err != nil {
		return err
	}
	volumes, err := deployment.volumes()
	if err != nil {
		return err
	}
	for _, volume := range volumes {
		if err := os.MkdirAll(filepath.Join(string(u), volume.target), 0o755); err != nil {
			return err
		}
	}
	return nil
}

func (u upper) addProject(repository string) error {
	for _, name := range projectFiles {
		source, target := filepath.Join(repository, name), filepath.Join(string(u), projectDirectory, name)
		info, err := os.Stat(source)
		if err != nil {
			return err
		}
		if info.IsDir() {
			err = os.CopyFS(target, os.DirFS(source))
		} else {
			var content []byte
			if content, err = os.ReadFile(source); err == nil {
				err = u.write(filepath.Join(projectDirectory, name), string(content), 0o644)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
