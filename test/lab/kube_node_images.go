package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ctrImages is containerd's command for the images of Kubernetes.
var ctrImages = []string{"ctr", "--address=" + containerdSocket, "--namespace=k8s.io", "images"}

// Import gives the node an image, from an archive as buildah and docker write
// them. Pods that run it must not ask to have it pulled.
func (n *KubeNode) Import(ctx context.Context, archive string) error {
	_, err := n.load(ctx, archive)
	return err
}

// imported is what ctr says of an image: its name and its digest.
var imported = regexp.MustCompile(`(?m)^unpacking (\S+) \((sha256:[0-9a-f]{64})\)`)

// ImportPinned does the same, and returns a reference to the image by its digest.
// A Pod finds it by that where it would ask to have a tag pulled again each time.
func (n *KubeNode) ImportPinned(ctx context.Context, archive string) (reference string, err error) {
	output, err := n.load(ctx, archive)
	if err != nil {
		return "", err
	}
	match := imported.FindStringSubmatch(output)
	if match == nil {
		return "", fmt.Errorf("import %s: which image is it: %s", archive, output)
	}
	name, _, _ := strings.Cut(match[1], ":")
	reference = name + "@" + match[2]
	return reference, n.run(ctx, slices.Concat(ctrImages, []string{"tag", match[1], reference})...)
}

// load imports an archive and returns what ctr said of it.
func (n *KubeNode) load(ctx context.Context, archive string) (string, error) {
	file, err := os.Open(archive)
	if err != nil {
		return "", fmt.Errorf("import an image: %w", err)
	}
	defer func() { _ = file.Close() }()
	command := n.command(ctx, slices.Concat([]string{"env", "PATH=" + nodePath}, ctrImages, []string{"import", "-"}))
	command.Stdin = file
	output, err := command.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("import %s: %w: %s", archive, err, output)
	}
	return string(output), err
}

// importPodImage builds test/lab/cmd/pod and makes an image of it.
func (n *KubeNode) importPodImage(ctx context.Context) error {
	program, err := buildPodProgram(ctx)
	if err != nil {
		return err
	}
	return n.importImage(ctx, PodImage, map[string]string{"/pod": program}, "--entrypoint", `["/pod"]`, "--user", "65532:65532")
}

// importImage makes an image of programs, by their paths in it, and nothing else.
// buildah runs on the node, because it writes to /var too.
func (n *KubeNode) importImage(ctx context.Context, name string, programs map[string]string, configuration ...string) error {
	const directory = nodePrefix + "/image"
	container, err := n.buildah(ctx, "from", "scratch")
	if err != nil {
		return err
	}
	for path, program := range programs {
		content, err := os.ReadFile(program)
		if err != nil {
			return err
		}
		if err := n.ReplaceFile(directory+"/program", content, 0o755); err != nil {
			return err
		}
		if _, err := n.buildah(ctx, "copy", container, directory+"/program", path); err != nil {
			return err
		}
	}
	for _, arguments := range [][]string{
		append(append([]string{"config"}, configuration...), container),
		{"commit", "--rm", container, "docker-archive:" + directory + "/archive:" + name},
	} {
		if _, err := n.buildah(ctx, arguments...); err != nil {
			return err
		}
	}
	if err := n.run(ctx, slices.Concat(ctrImages, []string{"import", directory + "/archive"})...); err != nil {
		return err
	}
	return n.run(ctx, "rm", "-r", directory)
}

// buildPodProgram returns the path of a program that needs no libraries: there
// are none in the image.
func buildPodProgram(ctx context.Context) (string, error) {
	repository, err := repositoryRoot()
	if err != nil {
		return "", err
	}
	path := filepath.Join(labDirectory, "bin", "pod")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "./test/lab/cmd/pod")
	build.Dir = repository
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the Pods' program: %w\n%s", err, output)
	}
	return path, nil
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
