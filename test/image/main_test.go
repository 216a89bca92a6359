// Package image shows that the container image works as Kubernetes runs it under
// the restricted Pod Security Standard: as any user, with a read-only root file
// system and no capability. make test-image runs it on what make image built.
package image

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var (
	archive = flag.String("archive", "", "the image, an OCI archive")
	version = flag.String("version", "", "the version that it must have")

	shipped image
	attempt string // the program of test/image/attempt
)

// image is an unpacked one.
type image struct {
	root   string // its file system
	config config
}

// config is what the tests look at of OCI's image configuration.
type config struct {
	User       string
	Env        []string
	Entrypoint []string
	WorkingDir string
	Labels     map[string]string
}

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := within(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		code = 1
	}
	os.Exit(code)
}

func within(m *testing.M) (int, error) {
	if *archive == "" {
		return 0, fmt.Errorf("no image: run make test-image")
	}
	directory, err := os.MkdirTemp("", "image-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(directory) }()
	attempt = filepath.Join(directory, "attempt")
	build := exec.Command("go", "build", "-o", attempt, "./attempt")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // the image need not have this machine's libraries
	if output, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build attempt: %w\n%s", err, output)
	}
	storage := storage(directory)
	if shipped, err = storage.unpack(*archive); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// storage is a folder in which buildah keeps an image unpacked.
type storage string

func (s storage) unpack(archive string) (image, error) {
	var unpacked image
	container, err := s.buildah("from", "--quiet", "oci-archive:"+archive)
	if err != nil {
		return unpacked, err
	}
	if unpacked.root, err = s.buildah("mount", container); err != nil {
		return unpacked, err
	}
	text, err := s.buildah("inspect", container)
	if err != nil {
		return unpacked, err
	}
	var inspected struct {
		OCIv1 struct {
			Config config `json:"config"`
		}
	}
	err = json.Unmarshal([]byte(text), &inspected)
	unpacked.config = inspected.OCIv1.Config
	return unpacked, err
}

func (s storage) buildah(arguments ...string) (string, error) {
	command := exec.Command("buildah", append([]string{
		"--root", filepath.Join(string(s), "storage"), "--runroot", filepath.Join(string(s), "run"), "--storage-driver", "vfs",
	}, arguments...)...)
	var problem strings.Builder
	command.Stderr = &problem
	output, err := command.Output()
	if err != nil {
		err = fmt.Errorf("buildah %s: %w: %s", arguments[0], err, problem.String())
	}
	return strings.TrimSpace(string(output)), err
}
