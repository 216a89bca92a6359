package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// OLMNamespace is where OLM unpacks bundles, as it is by default.
	OLMNamespace = "olm"
	// olmImage is what OLM unpacks them with. Its tag lets the node use what it has.
	olmImage = "localhost/nft-operator-lab/olm:lab"

	olmStopWithin = 20 * time.Second
	// olmLogLines are more than of others, because it says more.
	olmLogLines = 60
)

// OLM is the Operator Lifecycle Manager: its two operators, as processes beside
// the API server, and what serves a catalog to them.
type OLM struct {
	kube      *ControlPlane
	programs  string
	processes []*olmProcess
}

type olmProcess struct {
	name    string
	command *exec.Cmd
	log     lockedBuffer
	ended   chan struct{}
}

// StartOLM creates OLM's kinds and starts its operators, and gives the node the
// image that they unpack bundles with. [Isolation.OLM] must have been set. There
// can be one at a time.
func (c *ControlPlane) StartOLM(ctx context.Context, node *KubeNode) (*OLM, error) {
	o := &OLM{kube: c, programs: os.Getenv(olmVariable)}
	if o.programs == "" {
		return nil, errors.New("start OLM: its programs are not there; set Isolation.OLM")
	}
	if err := c.InstallForeignKinds(); err != nil {
		return nil, fmt.Errorf("start OLM: %w", err)
	}
	if err := c.createOLMNamespace(ctx); err != nil {
		return nil, fmt.Errorf("start OLM: %w", err)
	}
	if err := o.importImage(ctx, node); err != nil {
		return nil, fmt.Errorf("start OLM: %w", err)
	}
	for _, command := range [][]string{
		{"olm", "--namespace=" + OLMNamespace},
		{"catalog", "--namespace=" + OLMNamespace, "--opmImage=" + olmImage, "--util-image=" + olmImage, "--set-workload-user-id"},
	} {
		if err := o.start(command[0], command[1:]...); err != nil {
			return nil, errors.Join(fmt.Errorf("start OLM: %w", err), o.Stop())
		}
	}
	return o, nil
}

// createOLMNamespace makes it restricted, as OLM's own manifests do.
func (c *ControlPlane) createOLMNamespace(ctx context.Context) error {
	api, err := c.Client()
	if err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: OLMNamespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	return client.IgnoreAlreadyExists(api.Create(ctx, namespace))
}

// importImage makes what OLM's two images have, as far as a bundle takes it.
func (o *OLM) importImage(ctx context.Context, node *KubeNode) error {
	_, debian, _ := strings.Cut(os.Getenv(nodeVariable), ":")
	return node.importImage(ctx, olmImage, map[string]string{
		"/bin/opm": filepath.Join(o.programs, "opm"),
		"/bin/cpb": filepath.Join(o.programs, "cpb"),
		"/bin/cp":  filepath.Join(debian, "busybox"),
	}, "--env", "PATH=/bin")
}

// ServeCatalog serves the catalog in a directory at the address that it returns.
// A CatalogSource names it instead of an image, because OLM looks for the Pod of
// an image by a name, and nobody resolves names in the lab.
func (o *OLM) ServeCatalog(directory string) (address string, err error) {
	if address, err = freeAddress(); err != nil {
		return "", err
	}
	_, port, _ := strings.Cut(address, ":")
	return address, o.start("opm", "serve", directory, "--port", port, "--pprof-addr=", "--termination-log="+os.DevNull)
}

// Opm runs the tool that makes catalogs, to its end, and returns what it printed.
func (o *OLM) Opm(ctx context.Context, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(o.programs, "opm"), arguments...)
	var problem strings.Builder
	command.Stderr = &problem
	output, err := command.Output()
	if err != nil {
		err = fmt.Errorf("opm %s: %w: %s", strings.Join(arguments, " "), err, problem.String())
	}
	return string(output), err
}

func (o *OLM) start(name string, arguments ...string) error {
	p := &olmProcess{name: name, command: exec.Command(filepath.Join(o.programs, name), arguments...), ended: make(chan struct{})}
	p.command.Env = append(os.Environ(), "KUBECONFIG="+o.kube.Kubeconfig)
	p.command.Stdout, p.command.Stderr = &p.log, &p.log
	if err := p.command.Start(); err != nil {
		return err
	}
	go func() {
		_ = p.command.Wait()
		close(p.ended)
	}()
	o.processes = append(o.processes, p)
	return nil
}

// Log is the end of what each process printed.
func (o *OLM) Log() string {
	var text strings.Builder
	for _, process := range o.processes {
		fmt.Fprintf(&text, "%s:\n%s\n", process.name, lastLines(process.log.String(), olmLogLines))
	}
	return text.String()
}

// Stop ends all of OLM's processes, and waits for them. What they made stays.
func (o *OLM) Stop() error {
	var problems []error
	for _, process := range o.processes {
		_ = process.command.Process.Signal(syscall.SIGTERM)
	}
	for _, process := range o.processes {
		select {
		case <-process.ended:
		case <-time.After(olmStopWithin):
			problems = append(problems, fmt.Errorf("%s did not end in time", process.name))
			_ = process.command.Process.Kill()
			<-process.ended
		}
	}
	return errors.Join(problems...)
}
