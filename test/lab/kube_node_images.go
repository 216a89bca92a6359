package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Import gives the node an image, from an archive as buildah and docker write
// them. Pods that run it must not ask to have it pulled.
func (n *KubeNode) Import(ctx context.Context, archive string) error {
	file, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("import an image: %w", err)
	}
	defer func() { _ = file.Close() }()
	command := n.command(ctx, []string{"env", "PATH=" + nodePath, "ctr", "--address=" + containerdSocket, "--namespace=k8s.io", "images", "import", "-"})
	command.Stdin = file
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("import %s: %w: %s", archive, err, output)
	}
	return nil
}

// importPodImage builds test/lab/cmd/pod and makes an image of it and nothing
// else.
func (n *KubeNode) importPodImage(ctx context.Context) error {
	repository, err := repositoryRoot()
	if err != nil {
		return err
	}
	directory, err := os.MkdirTemp("", "pod-image-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(directory) }()
	build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(directory, "pod"), "./test/lab/cmd/pod")
	build.Dir = repository
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // there are no libraries in the image
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the Pods' program: %w\n%s", err, output)
	}
	images := imageStorage(filepath.Join(directory, "storage"))
	container, err := images.buildah(ctx, "from", "scratch")
	if err != nil {
		return err
	}
	archive := filepath.Join(directory, "pod.tar")
	for _, arguments := range [][]string{
		{"copy", container, filepath.Join(directory, "pod"), "/pod"},
		{"config", "--entrypoint", `["/pod"]`, "--user", "65532:65532", container},
		{"commit", container, "docker-archive:" + archive + ":" + PodImage},
	} {
		if _, err := images.buildah(ctx, arguments...); err != nil {
			return err
		}
	}
	return n.Import(ctx, archive)
}

// imageStorage is a directory of buildah's.
type imageStorage string

func (s imageStorage) buildah(ctx context.Context, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, "buildah", append([]string{
		"--root", filepath.Join(string(s), "images"), "--runroot", filepath.Join(string(s), "run"), "--storage-driver", "vfs",
	}, arguments...)...)
	var problem strings.Builder
	command.Stderr = &problem
	output, err := command.Output()
	if err != nil {
		err = fmt.Errorf("buildah %s: %w: %s", arguments[0], err, problem.String())
	}
	return strings.TrimSpace(string(output)), err
}
