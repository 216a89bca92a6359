package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
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
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// OperatorNamespace is where the operator expects NftGateways, and its
// ServiceAccount is.
const OperatorNamespace = "nft-operator-system"

const (
	operatorAccount     = "nft-operator"
	operatorReadyWithin = 60 * time.Second
	operatorStopWithin  = 40 * time.Second
)

// Operator is an nft-operator process with the rights of its ServiceAccount.
type Operator struct {
	command *exec.Cmd
	log     lockedBuffer
	ended   chan struct{}
	// Where it serves these.
	metrics, health string
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

// StartOperator starts a built nft-operator with the repository's watches.yaml
// and waits until it is ready. A second one at a time needs a --work-dir of its own.
func (c *ControlPlane) StartOperator(ctx context.Context, program string, arguments ...string) (*Operator, error) {
	repository, err := repositoryRoot()
	if err != nil {
		return nil, err
	}
	kubeconfig, err := c.OperatorKubeconfig(ctx, c.Config.Host, c.Config.CAData)
	if err != nil {
		return nil, err
	}
	o := &Operator{}
	for _, address := range []*string{&o.metrics, &o.health} {
		if *address, err = freeAddress(); err != nil {
			return nil, err
		}
	}
	o.command = exec.Command(program, append([]string{
		"--watches", filepath.Join(repository, "watches.yaml"),
		"--metrics-bind-address", o.metrics,
		"--health-probe-bind-address", o.health,
	}, arguments...)...)
	o.command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	if err := o.launch(); err != nil {
		return nil, err
	}
	if err := o.awaitReady(); err != nil {
		_ = o.Kill()
		return nil, fmt.Errorf("%w; its log ends with:\n%s", err, lastLines(o.Log(), logLines))
	}
	return o, nil
}

// Again starts an operator that ended once more, as a Deployment does: with the
// same arguments, and without waiting until it is ready.
func (o *Operator) Again() (*Operator, error) {
	next := &Operator{metrics: o.metrics, health: o.health}
	next.command = exec.Command(o.command.Path, o.command.Args[1:]...)
	next.command.Env = o.command.Env
	return next, next.launch()
}

func (o *Operator) launch() error {
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

// OperatorKubeconfig writes a kubeconfig file for the operator's ServiceAccount,
// at the URL of the API server or of something before it, which the authority,
// in PEM, vouches for.
func (c *ControlPlane) OperatorKubeconfig(ctx context.Context, server string, authority []byte) (string, error) {
	clients, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return "", err
	}
	token, err := clients.CoreV1().ServiceAccounts(OperatorNamespace).CreateToken(ctx, operatorAccount, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("log the operator in: %w", err)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["lab"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: authority}
	config.AuthInfos[operatorAccount] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	config.Contexts["lab"] = &clientcmdapi.Context{Cluster: "lab", AuthInfo: operatorAccount, Namespace: OperatorNamespace}
	config.CurrentContext = "lab"
	file, err := os.CreateTemp(labDirectory, operatorAccount+"-*.kubeconfig")
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	return file.Name(), clientcmd.WriteToFile(*config, file.Name())
}

// freeAddress is one that nobody listens at.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func (o *Operator) awaitReady() error {
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
	case <-time.After(operatorStopWithin):
		return errors.Join(errors.New("the operator did not end in time"), o.Kill())
	}
}

// Kill ends the operator without a warning, and waits for it.
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
