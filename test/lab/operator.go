package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// OperatorNamespace is where the operator expects NftGateways, and its
// ServiceAccount is.
const OperatorNamespace = "nft-operator-system"

const (
	operatorAccount     = "nft-operator"
	operatorReadyWithin = 60 * time.Second
)

// Operator is an nft-operator that runs as config/manager has it: with the rights
// of its ServiceAccount, and confined as its Pod is.
type Operator struct {
	container *container
	// grace is how long it may take to end.
	grace   time.Duration
	command *exec.Cmd
	log     lockedBuffer
	ended   chan struct{}
	// Where it serves these.
	metrics, health string
	workDir         string
}

// OperatorOptions are in what an operator differs from the shipped one.
type OperatorOptions struct {
	// Arguments come after the Deployment's. Of a flag that is given twice, the
	// last one counts.
	Arguments []string
	// Server is what it talks to, where that is not the API server itself.
	Server *APIServer
	// Project is a folder that it has in place of the image's playbooks and what
	// belongs to them.
	Project string
	// OutsideOfCluster has its processes outlive it, as those of a program do
	// that is no Pod. It is confined all the same.
	OutsideOfCluster bool
}

// APIServer is one, or something before it.
type APIServer struct {
	URL       string
	Authority []byte // which vouches for it, in PEM
}

// BuildProgram builds a command of this repository, cmd/NAME, and returns its path.
func BuildProgram(name string) (string, error) {
	repository, err := repositoryRoot()
	if err != nil {
		return "", err
	}
	path := filepath.Join(labDirectory, "bin", name)
	build := exec.Command("go", "build", "-o", path, "./cmd/"+name)
	build.Dir = repository
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, output)
	}
	return path, nil
}

// InstallOperator creates the operator's namespace and rights, as make install
// does for an operator outside of the cluster.
func (c *ControlPlane) InstallOperator(ctx context.Context) error {
	repository, err := repositoryRoot()
	if err != nil {
		return err
	}
	_, err = c.Kubectl(ctx, "apply", "--server-side", "-k", filepath.Join(repository, "config", "base"))
	return err
}

// StartOperator starts a built nft-operator and waits until it is ready. The
// arguments come after the Deployment's.
func (c *ControlPlane) StartOperator(ctx context.Context, program string, arguments ...string) (*Operator, error) {
	return c.StartOperatorWith(ctx, program, OperatorOptions{Arguments: arguments})
}

// StartOperatorWith starts a built nft-operator that differs from the shipped
// one, and waits until it is ready.
func (c *ControlPlane) StartOperatorWith(ctx context.Context, program string, options OperatorOptions) (*Operator, error) {
	o, err := c.newOperator(ctx, program, options)
	if err != nil {
		return nil, err
	}
	if err := o.launch(); err != nil {
		return nil, err
	}
	if err := o.AwaitReady(); err != nil {
		_ = o.Kill()
		return nil, fmt.Errorf("%w; its log ends with:\n%s", err, lastLines(o.Log(), logLines))
	}
	return o, nil
}

func (c *ControlPlane) newOperator(ctx context.Context, program string, options OperatorOptions) (*Operator, error) {
	deployment, err := readDeployment()
	if err != nil {
		return nil, err
	}
	o := &Operator{grace: deployment.grace()}
	if o.container, err = c.operatorContainer(ctx, deployment, program, options.Server); err != nil {
		return nil, err
	}
	if o.container.Command, err = imageEntryPoint(); err != nil {
		return nil, err
	}
	if options.Project != "" {
		o.container.Mounts = append(o.container.Mounts, bind{Source: options.Project, Target: projectDirectory, ReadOnly: true})
	}
	if options.OutsideOfCluster {
		o.container.OwnProcesses = false
		o.container.Command = []string{operatorMount}
	}
	arguments, err := deployment.arguments()
	if err != nil {
		return nil, err
	}
	// All operators have one network here, unlike Pods.
	for flag, address := range map[string]*string{"--metrics-bind-address": &o.metrics, "--health-probe-bind-address": &o.health} {
		if *address, err = freeAddress(); err != nil {
			return nil, err
		}
		arguments = append(arguments, flag+"="+*address)
	}
	o.container.Command = append(append(o.container.Command, arguments...), options.Arguments...)
	o.workDir, err = o.container.outside(flagValue(arguments, "--work-dir"))
	return o, err
}

// operatorContainer makes the container that the Deployment describes, with what
// a Pod is told of its ServiceAccount and the API server.
func (c *ControlPlane) operatorContainer(ctx context.Context, deployment shipped, program string, server *APIServer) (*container, error) {
	volumes, err := deployment.volumes()
	if err != nil {
		return nil, err
	}
	container, err := newContainer(program, volumes)
	if err != nil {
		return nil, err
	}
	environment, err := deployment.environment()
	if err != nil {
		return nil, err
	}
	if server == nil {
		server = &APIServer{URL: c.Config.Host, Authority: c.Config.CAData}
	}
	location, err := url.Parse(server.URL)
	if err != nil {
		return nil, err
	}
	container.Environment = append(append(container.Environment, environment...),
		"KUBERNETES_SERVICE_HOST="+location.Hostname(), "KUBERNETES_SERVICE_PORT="+location.Port())
	token, err := c.OperatorToken(ctx)
	if err != nil {
		return nil, err
	}
	return container, container.addFiles(serviceAccountMount, map[string][]byte{
		"token": []byte(token), "ca.crt": server.Authority, "namespace": []byte(OperatorNamespace),
	})
}

// flagValue is what the last --flag=value of the arguments says.
func flagValue(arguments []string, flag string) string {
	value := ""
	for _, argument := range arguments {
		if name, said, found := strings.Cut(argument, "="); found && name == flag {
			value = said
		}
	}
	return value
}

// Again starts an operator that ended once more, as a kubelet does: in the same
// Pod, thus with what lies in its volumes, and without waiting until it is ready.
func (o *Operator) Again() (*Operator, error) {
	next := &Operator{container: o.container, grace: o.grace, metrics: o.metrics, health: o.health, workDir: o.workDir}
	return next, next.launch()
}

func (o *Operator) launch() (err error) {
	if o.command, err = o.container.process(); err != nil {
		return err
	}
	o.ended = make(chan struct{})
	o.command.Stdout, o.command.Stderr = &o.log, &o.log
	if err := o.command.Start(); err != nil {
		return err
	}
	go func() {
		_ = o.command.Wait()
		close(o.ended)
	}()
	return nil
}

// Ended is closed when the operator has ended, by itself or not.
func (o *Operator) Ended() <-chan struct{} { return o.ended }

// Pid is that of its first process, as the lab sees it.
func (o *Operator) Pid() int { return o.command.Process.Pid }

// WorkDir is its --work-dir, as the lab sees it.
func (o *Operator) WorkDir() string { return o.workDir }

// OperatorToken logs the operator in for longer than any test takes: nobody
// renews it here.
func (c *ControlPlane) OperatorToken(ctx context.Context) (string, error) {
	clients, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return "", err
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(24 * 60 * 60))}}
	token, err := clients.CoreV1().ServiceAccounts(OperatorNamespace).CreateToken(ctx, operatorAccount, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("log the operator in: %w", err)
	}
	return token.Status.Token, nil
}

// freeAddress is one that nobody listens at.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// AwaitReady waits until the operator says that it is ready.
func (o *Operator) AwaitReady() error {
	deadline := time.After(operatorReadyWithin)
	for {
		response, err := http.Get("http://" + o.health + "/readyz")
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-o.ended:
			return errors.New("the operator ended")
		case <-deadline:
			return errors.New("the operator is not ready in time")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Log is what the operator printed.
func (o *Operator) Log() string { return o.log.String() }

// Stop ends the operator as Kubernetes does, and waits for it.
func (o *Operator) Stop() error {
	_ = o.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-o.ended:
		return nil
	case <-time.After(o.grace):
		return errors.Join(errors.New("the operator did not end within its grace period"), o.Kill())
	}
}

// Kill ends the operator's first process without a warning, and waits for it. Of
// a Pod, all processes end with that one.
func (o *Operator) Kill() error {
	_ = o.command.Process.Kill()
	<-o.ended
	return nil
}

// Metric sums a counter or gauge over the series whose labels contain all of
// the texts, for example `host="edge.gw1"`.
func (o *Operator) Metric(name string, labels ...string) (float64, error) {
	response, err := http.Get("http://" + o.metrics + "/metrics")
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, match := range regexp.MustCompile(`(?m)^`+name+`(\{.*\})? (\S+)$`).FindAllStringSubmatch(string(body), -1) {
		if !containsAll(match[1], labels) {
			continue
		}
		value, err := strconv.ParseFloat(match[2], 64)
		if err != nil {
			return 0, err
		}
		sum += value
	}
	return sum, nil
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// lockedBuffer is a buffer that may be read while a process writes it.
type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}
