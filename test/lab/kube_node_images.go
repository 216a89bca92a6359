package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// ctrImport has containerd take an image for Kubernetes; a file is to follow.
var ctrImport = []string{"ctr", "--address=" + containerdSocket, "--namespace=k8s.io", "images", "import"}

// Import gives the node an image, from an archive as buildah and docker write
// them. Pods that run it must not ask to have it pulled.
func (n *KubeNode) Import(ctx context.Context, archive string) error {
	file, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("import an image: %w", err)
	}
	defer func() { _ = file.Close() }()
	command := n.command(ctx, slices.Concat([]string{"env", "PATH=" + nodePath}, ctrImport, []string{"-"}))
	command.Stdin = file
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("import %s: %w: %s", archive, err, output)
	}
	return nil
}

// importPodImage builds test/lab/cmd/pod and makes an image of it and nothing
// else. buildah runs on the node, because it writes to /var too.
func (n *KubeNode) importPodImage(ctx context.Context) error {
	program, err := buildPodProgram(ctx)
	if err != nil {
		return err
	}
	const directory = nodePrefix + "/pod-image"
	if err := n.ReplaceFile(directory+"/pod", program, 0o755); err != nil {
		return err
	}
	container, err := n.buildah(ctx, "from", "scratch")
	if err != nil {
		return err
	}
	for _, arguments := range [][]string{
		{"copy", container, directory + "/pod", "/pod"},
		{"config", "--entrypoint", `["/pod"]`, "--user", "65532:65532", container},
		{"commit", container, "docker-archive:" + directory + "/archive:" + PodImage},
	} {
		if _, err := n.buildah(ctx, arguments...); err != nil {
			return err
		}
	}
	return n.run(ctx, append(ctrImport, directory+"/archive")...)
}

// buildPodProgram returns a program that needs no libraries: there are none in
// the image.
func buildPodProgram(ctx context.Context) ([]byte, error) {
	repository, err := repositoryRoot()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(labDirectory, "bin", "pod")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "./test/lab/cmd/pod")
	build.Dir = repository
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the Pods' program: %w\n%s", err, output)
	}
	return os.ReadFile(path)
}

// buildah runs on the node, with a storage there.
func (n *KubeNode) buildah(ctx context.Context, arguments ...string) (string, error) {
	storage := []string{"--root", nodePrefix + "/images", "--runroot", nodePrefix + "/images-run", "--storage-driver", "vfs"}
	command := n.command(ctx, append(append([]string{"buildah"}, storage...), arguments...))
	var problem strings.Builder
	command.Stderr = &problem
	output, err := command.Output()
	if err != nil {
		err = fmt.Errorf("buildah %s: %w: %s", arguments[0], err, problem.String())
	}
	return strings.TrimSpace(string(output)), err
}
