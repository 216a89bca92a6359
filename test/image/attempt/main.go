// Command attempt runs a playbook of the image, as the operator would, on a host
// that nothing answers at, and prints why it failed.
package main

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/internal/plan"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "attempt:", err)
		os.Exit(1)
	}
}

func run(workDir string) error {
	work, err := ansible.OpenWorkDir(workDir)
	if err != nil {
		return err
	}
	project, err := os.Getwd()
	if err != nil {
		return err
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	vars, err := vars()
	if err != nil {
		return err
	}
	target := ansible.Target{Name: "gw1", Address: "127.0.0.1", Port: 1, SSHDPort: 22, User: "nftop", PublicInterfaces: []string{"eth0"}}
	target.Revision, target.Structure = ansible.Revision(vars.Digest(), target), ansible.Revision(vars.StructureDigest(), target)
	runner := ansible.PlaybookRunner{WorkDir: work, ProjectDir: project, Timeout: time.Minute}
	reports, err := runner.Run(context.Background(), ansible.Run{
		Playbook: filepath.Join(project, "playbooks", "apply.yml"),
		Targets:  []ansible.Target{target},
		Access:   ansible.Access{PrivateKey: key, ConnectTimeoutSeconds: 5},
		Vars:     vars,
	})
	if err != nil {
		return err
	}
	fmt.Println(reports["gw1"].Reason, reports["gw1"].Message)
	return nil
}

// vars are those of a gateway without Services.
func vars() (ansible.Vars, error) {
	planned, err := plan.ForGateway(&v1alpha1.NftGateway{
		ObjectMeta: metav1.ObjectMeta{Namespace: "nft-operator-system", Name: "edge"},
		Spec: v1alpha1.NftGatewaySpec{
			Hosts:            []v1alpha1.GatewayHost{{Name: "gw1", Address: "127.0.0.1"}},
			PublicInterfaces: []v1alpha1.InterfaceName{"eth0"},
			Services:         v1alpha1.ServiceSelection{AllowedCIDRs: []v1alpha1.CIDR{"203.0.113.0/24"}},
		},
	}, nil, nil)
	return ansible.VarsOf(planned), err
}

func newKey() (ansible.PrivateKey, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return ansible.PrivateKey{}, err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return ansible.PrivateKey{}, err
	}
	return ansible.ParsePrivateKey(pem.EncodeToMemory(block))
}
