package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// ControlPlane is a real etcd and kube-apiserver on the lab's loopback, with
// the product's CRDs.
type ControlPlane struct {
	// Config is the administrator's.
	Config *rest.Config
	// Kubeconfig is the same as a file.
	Kubeconfig string
	// KubectlPath is a kubectl of the API server's version.
	KubectlPath string

	environment *envtest.Environment
	directory   string
	// restarts are the times in which the API server answered and was not ready.
	restarts []interval
}

const (
	apiServerPort = "6443"
	etcdAddress   = "127.0.0.1:2379"
	// kubeTimeout is for a busy machine; an idle one takes 3 seconds.
	kubeTimeout = 90 * time.Second
	// logLines of the programs' log are worth reading when they do not start.
	logLines = 20
)

// StartControlPlane starts etcd and kube-apiserver and installs the CRDs of
// config/crd. [Isolation.ControlPlane] must have been set. There can be one at a
// time.
func StartControlPlane() (*ControlPlane, error) {
	if !inside {
		return nil, errors.New("start the control plane: call lab.Isolate first, in TestMain or main")
	}
	programs := os.Getenv(assetsVariable)
	if len(controlPlanePrograms.missing(programs)) > 0 {
		return nil, errors.New("start the control plane: its programs are not there; set Isolation.ControlPlane")
	}
	repository, err := repositoryRoot()
	if err != nil {
		return nil, err
	}
	c := &ControlPlane{
		KubectlPath: filepath.Join(programs, "kubectl"),
		directory:   filepath.Join(labDirectory, "kube"),
		environment: &envtest.Environment{
			BinaryAssetsDirectory:    programs,
			CRDDirectoryPaths:        []string{filepath.Join(repository, "config", "crd")},
			ErrorIfCRDPathMissing:    true,
			ControlPlaneStartTimeout: kubeTimeout,
		},
	}
	if err := c.start(); err != nil {
		err = fmt.Errorf("start the control plane: %w", err)
		if c.Config == nil { // it was not the CRDs
			err = fmt.Errorf("%w; its log ends with:\n%s", err, lastLines(c.Log(), logLines))
		}
		// What has started already must not be in the way of another try.
		return nil, errors.Join(err, c.environment.Stop())
	}
	return c, nil
}

func (c *ControlPlane) start() error {
	// A directory of our own outlives a restart of the API server.
	authority, err := makeCertificates(c.certificates(), c.addresses()...)
	if err != nil {
		return err
	}
	log, err := os.Create(c.logFile())
	if err != nil {
		return err
	}
	server := c.environment.ControlPlane.GetAPIServer()
	server.CertDir = c.certificates()
	serving := &server.SecureServing
	serving.Address, serving.Port, serving.CA = "127.0.0.1", apiServerPort, authority
	server.Out, server.Err = log, log
	server.Configure().
		Set("service-cluster-ip-range", commaSeparated(ServiceNetworks)).
		// A node reaches it at the cluster side, where it finds no address by itself
		// as long as there is no topology.
		Set("bind-address", "0.0.0.0").
		Set("advertise-address", operatorAddresses().IPv4.String()).
		Set("kubelet-preferred-address-types", "InternalIP"). // nobody resolves names in the lab
		Set("authorization-mode", "Node,RBAC").
		Set("disable-admission-plugins", "").
		// Clusters that ask more of whoever names an owner have the second.
		Set("enable-admission-plugins", "NodeRestriction,OwnerReferencesPermissionEnforcement")
	if err := c.audit(server); err != nil {
		return err
	}
	c.environment.ControlPlane.Etcd = &envtest.Etcd{
		URL: &url.URL{Scheme: "http", Host: etcdAddress}, Out: log, Err: log,
	}
	if c.Config, err = c.environment.Start(); err != nil {
		return err
	}
	c.Kubeconfig = filepath.Join(c.directory, "admin.kubeconfig")
	return os.WriteFile(c.Kubeconfig, c.environment.KubeConfig, 0o600)
}

// Stop ends both programs. A program that ends need not call it.
func (c *ControlPlane) Stop() error { return c.environment.Stop() }

// StopAPIServer makes the API server unreachable; etcd keeps its objects.
func (c *ControlPlane) StopAPIServer() error {
	return c.environment.ControlPlane.GetAPIServer().Stop()
}

// StartAPIServer starts the API server again, at the same address, for the same
// users, and waits until it is ready.
func (c *ControlPlane) StartAPIServer() error {
	began := time.Now()
	if err := c.environment.ControlPlane.GetAPIServer().Start(); err != nil {
		return err
	}
	err := await(kubeTimeout, func() error {
		_, err := c.Kubectl(context.Background(), "get", "--raw", "/readyz")
		return err
	})
	c.restarts = append(c.restarts, interval{began, time.Now()})
	return err
}

// AddUser makes a user that RBAC knows by name and groups, and returns how to
// log in as a client and as a kubeconfig file's content.
func (c *ControlPlane) AddUser(name string, groups ...string) (*rest.Config, []byte, error) {
	user, err := c.environment.AddUser(envtest.User{Name: name, Groups: groups}, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("add user %s: %w", name, err)
	}
	kubeconfig, err := user.KubeConfig()
	if err != nil {
		return nil, nil, fmt.Errorf("add user %s: %w", name, err)
	}
	return user.Config(), kubeconfig, nil
}

// Kubectl runs kubectl as the administrator and returns what it printed.
func (c *ControlPlane) Kubectl(ctx context.Context, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.KubectlPath, arguments...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig)
	output, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w: %s", strings.Join(arguments, " "), err, bytes.TrimSpace(output))
	}
	return string(output), err
}

// OpenDoor lets programs outside of the lab reach the API server through
// [Isolation.Door], until the lab ends, and writes a kubeconfig file for them.
func (c *ControlPlane) OpenDoor(kubeconfig string) error {
	if heldDoor == nil {
		return errors.New("the lab has no door; set Isolation.Door")
	}
	config, err := clientcmd.Load(c.environment.KubeConfig)
	if err != nil {
		return err
	}
	for _, cluster := range config.Clusters {
		cluster.Server = "https://" + heldDoor.address
	}
	if err := clientcmd.WriteToFile(*config, kubeconfig); err != nil {
		return fmt.Errorf("write a kubeconfig for outside: %w", err)
	}
	return heldDoor.forward("127.0.0.1:" + apiServerPort)
}

// Log is what etcd and kube-apiserver printed.
func (c *ControlPlane) Log() string {
	content, err := os.ReadFile(c.logFile())
	if err != nil {
		return err.Error()
	}
	return string(content)
}

// addresses are those at which it is asked: by this process, by the node, and by
// Pods, for which it is the first of the addresses for Services.
func (c *ControlPlane) addresses() []netip.Addr {
	return append(operatorAddresses().All(), netip.MustParseAddr("127.0.0.1"), ServiceNetworks[0].Addr().Next())
}

func (c *ControlPlane) certificates() string { return filepath.Join(c.directory, "certificates") }

func (c *ControlPlane) logFile() string { return filepath.Join(c.directory, "log") }

func lastLines(text string, count int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
