package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	operatorMetrics     = "127.0.0.1:8080"
	operatorHealth      = "127.0.0.1:8081"
	operatorReadyWithin = 60 * time.Second
	operatorStopWithin  = 40 * time.Second
)

// Operator is an nft-operator process with the rights of its ServiceAccount.
type Operator struct {
	command *exec.Cmd
	log     lockedBuffer
	ended   chan struct{}
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

// InstallOperator creates the operator's namespace and rights, as make install does.
func (c *ControlPlane) InstallOperator(ctx context.Context) error {
	repository, err := repositoryRoot()
	if err != nil {
		return err
	}
	_, err = c.Kubectl(ctx, "apply", "--server-side", "-k", filepath.Join(repository, "config", "default"))
	return err
}

// StartOperator starts a built nft-operator with the repository's watches.yaml
// and waits until it is ready. There can be one at a time.
func (c *ControlPlane) StartOperator(ctx context.Context, program string, arguments ...string) (*Operator, error) {
	repository, err := repositoryRoot()
	if err != nil {
		return nil, err
	}
	kubeconfig, err := c.accountKubeconfig(ctx, operatorAccount)
	if err != nil {
		return nil, fmt.Errorf("log the operator in: %w", err)
	}
	o := &Operator{ended: make(chan struct{})}
	o.command = exec.Command(program, append([]string{
		"--watches", filepath.Join(repository, "watches.yaml"),
		"--metrics-bind-address", operatorMetrics,
		"--health-probe-bind-address", operatorHealth,
	}, arguments...)...)
	o.command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	o.command.Stdout, o.command.Stderr = &o.log, &o.log
	if err := o.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = o.command.Wait()
		close(o.ended)
	}()
	if err := o.awaitReady(); err != nil {
		_ = o.Kill()
		return nil, fmt.Errorf("%w; its log ends with:\n%s", err, lastLines(o.Log(), logLines))
	}
	return o, nil
}

// accountKubeconfig writes a kubeconfig file for a ServiceAccount in the
// operator's namespace.
func (c *ControlPlane) accountKubeconfig(ctx context.Context, account string) (string, error) {
	clients, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return "", err
	}
	token, err := clients.CoreV1().ServiceAccounts(OperatorNamespace).CreateToken(ctx, account, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["lab"] = &clientcmdapi.Cluster{Server: c.Config.Host, CertificateAuthorityData: c.Config.CAData}
	config.AuthInfos[account] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	config.Contexts["lab"] = &clientcmdapi.Context{Cluster: "lab", AuthInfo: account, Namespace: OperatorNamespace}
	config.CurrentContext = "lab"
	path := filepath.Join(labDirectory, account+".kubeconfig")
	return path, clientcmd.WriteToFile(*config, path)
}

func (o *Operator) awaitReady() error {
	deadline := time.After(operatorReadyWithin)
	for {
		response, err := http.Get("http://" + operatorHealth + "/readyz")
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
	response, err := http.Get("http://" + operatorMetrics + "/metrics")
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
