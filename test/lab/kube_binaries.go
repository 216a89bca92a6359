package lab

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// assetsVariable is envtest's: a directory with kube-apiserver, etcd and kubectl.
const assetsVariable = "KUBEBUILDER_ASSETS"

// cacheVariable overrides where built programs are kept.
const cacheVariable = "NFT_OPERATOR_CACHE"

// progressEvery is how often a long build says that it is alive.
const progressEvery = 20 * time.Second

// programs are built from a Go module below test, in this order.
type programs struct {
	module string
	list   []program
	tags   string
	// told is the variable in which they tell the version of toldOf, a module. It
	// is for who asks whether a cluster is new enough.
	told, toldOf string
	// environment is more than that of this process.
	environment []string
}

type program struct{ name, source string }

// controlPlanePrograms are what [StartControlPlane] starts.
var controlPlanePrograms = fromKubernetes(
	program{"etcd", "go.etcd.io/etcd/server/v3"},
	program{"kubectl", "k8s.io/kubernetes/cmd/kubectl"},
	program{"kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"},
)

// fromKubernetes are programs of test/kube. Unless it is told, they say that they are
// version 0.
func fromKubernetes(list ...program) programs {
	return programs{module: "kube", list: list, told: "k8s.io/component-base/version.gitVersion", toldOf: "k8s.io/kubernetes"}
}

// EnsureKube returns a directory with etcd, kube-apiserver and kubectl. That is
// KUBEBUILDER_ASSETS where set; otherwise they are built from test/kube, once
// for its versions, into .cache/kube of the repository. Several processes may
// ask at the same time. It needs the network, so it works outside of the lab.
func EnsureKube(progress io.Writer) (string, error) {
	if directory := os.Getenv(assetsVariable); directory != "" {
		if missing := controlPlanePrograms.missing(directory); len(missing) > 0 {
			return "", fmt.Errorf("%s is %s, but %s is not there; unset it to have all built from source",
				assetsVariable, directory, strings.Join(missing, ", "))
		}
		return directory, nil
	}
	return controlPlanePrograms.ensure(progress)
}

// ensure returns the directory where the programs are, and builds those that are
// missing.
func (p programs) ensure(progress io.Writer) (string, error) {
	repository, err := repositoryRoot()
	if err != nil {
		return "", err
	}
	source := filepath.Join(repository, "test", p.module)
	linking, err := p.linking(source)
	if err != nil {
		return "", err
	}
	directory, err := p.cache(repository, source, linking)
	if err != nil {
		return "", err
	}
	if len(p.missing(directory)) == 0 {
		return directory, nil
	}
	unlock, err := lockDirectory(directory, progress)
	if err != nil {
		return "", err
	}
	defer unlock()
	return directory, p.build(source, directory, linking, progress)
}

// linking are the flags for the linker.
func (p programs) linking(source string) (string, error) {
	const withoutSymbols = "-s -w"
	if p.told == "" {
		return withoutSymbols, nil
	}
	list := exec.Command("go", "list", "-m", "-f", "{{.Version}}", p.toldOf)
	list.Dir = source
	version, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("which version of %s is it: %w", p.toldOf, err)
	}
	return withoutSymbols + " -X " + p.told + "=" + strings.TrimSpace(string(version)), nil
}

// build builds what is missing. A program appears under its name only when it is
// whole.
func (p programs) build(source, directory, linking string, progress io.Writer) error {
	missing := p.missing(directory)
	for _, program := range p.list {
		if !slices.Contains(missing, program.name) {
			continue
		}
		target := filepath.Join(directory, program.name)
		_, _ = fmt.Fprintf(progress, "lab: building %s from source, once; all take some minutes\n", program.name)
		build := exec.Command("go", "build", "-ldflags="+linking, "-tags="+p.tags, "-o", target+".part", program.source)
		build.Dir, build.Env = source, append(os.Environ(), p.environment...)
		if err := runWithProgress(build, "building "+program.name, progress); err != nil {
			return err
		}
		if err := os.Rename(target+".part", target); err != nil {
			return err
		}
	}
	return nil
}

func runWithProgress(cmd *exec.Cmd, what string, progress io.Writer) error {
	started := time.Now()
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_, _ = fmt.Fprintf(progress, "lab: still %s, %s so far\n", what, time.Since(started).Round(time.Second))
		case err := <-ended:
			if err != nil {
				return fmt.Errorf("%s: %w\n%s", what, err, output.String())
			}
			_, _ = fmt.Fprintf(progress, "lab: %s took %s\n", what, time.Since(started).Round(time.Second))
			return nil
		}
	}
}

func (p programs) missing(directory string) []string {
	var missing []string
	for _, program := range p.list {
		if _, err := os.Stat(filepath.Join(directory, program.name)); err != nil {
			missing = append(missing, program.name)
		}
	}
	return missing
}

// cache is named after what is built and how, so that a change builds anew.
func (p programs) cache(repository, source, linking string) (string, error) {
	sums, err := os.ReadFile(filepath.Join(source, "go.sum"))
	if err != nil {
		return "", err
	}
	key := sha256.Sum256(append(sums, linking+p.tags...))
	directory := filepath.Join(cacheDirectory(repository), p.module, fmt.Sprintf("%x", key)[:16])
	return directory, os.MkdirAll(directory, 0o755)
}

func cacheDirectory(repository string) string {
	if cache := os.Getenv(cacheVariable); cache != "" {
		return cache
	}
	return filepath.Join(repository, ".cache")
}

// lockDirectory waits until no other process builds into the directory. The
// lock ends with the process.
func lockDirectory(directory string, progress io.Writer) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(directory, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		_, _ = fmt.Fprintln(progress, "lab: another process builds the same; waiting for it")
		for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
			err = unix.Flock(int(file.Fd()), unix.LOCK_EX)
		}
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", directory, err)
	}
	return func() { _ = file.Close() }, nil
}

// repositoryRoot is the directory of the product's go.mod, at or above the
// working directory.
func repositoryRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for directory := start; ; directory = filepath.Dir(directory) {
		if _, err := os.Stat(filepath.Join(directory, "test", "kube", "go.mod")); err == nil {
			return directory, nil
		}
		if directory == filepath.Dir(directory) {
			return "", fmt.Errorf("%s is not in the nft-operator repository; start the lab from inside of it", start)
		}
	}
}
