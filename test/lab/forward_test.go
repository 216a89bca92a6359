package lab

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// openDoor is the lab within the lab: it prints the kubeconfig for outside.
func openDoor() int {
	plane, err := StartControlPlane()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	kubeconfig := filepath.Join(os.TempDir(), "outside.kubeconfig")
	if err := plane.OpenDoor(kubeconfig); err != nil {
		fmt.Println(err)
		return 1
	}
	content, err := os.ReadFile(kubeconfig)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(base64.StdEncoding.EncodeToString(content))
	select {}
}

func TestDoor(t *testing.T) {
	before := takeTraces(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	inner := exec.CommandContext(ctx, "/proc/self/exe")
	inner.Env = append(os.Environ(), performanceVariable+"="+performDoor)
	inner.Stderr = os.Stderr
	output, err := inner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := inner.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	content, err := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the inner lab said %s", line)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, content, 0o600); err != nil {
		t.Fatal(err)
	}
	outside := &ControlPlane{KubectlPath: filepath.Join(os.Getenv(assetsVariable), "kubectl"), Kubeconfig: kubeconfig}
	if strings.Contains(string(content), ":"+apiServerPort) {
		t.Errorf("the kubeconfig does not lead through the door:\n%s", content)
	}
	if answer, err := outside.Kubectl(ctx, "get", "nftgateways", "--all-namespaces"); err != nil {
		t.Errorf("through the door: %v: %s", err, answer)
	}
	cancel()
	_ = inner.Wait()
	if answer, err := outside.Kubectl(context.Background(), "get", "nftgateways"); err == nil {
		t.Errorf("the lab is gone, and its door answers: %s", answer)
	}
	expectNothingMore(t, before)
}
