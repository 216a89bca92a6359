package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/controllers"
	"github.com/nft-operator/nft-operator/internal/ansible"
)

// export writes what the operator would run, for a run by hand.
type export struct {
	gateway  types.NamespacedName
	dir      string
	identity string
	project  string
	out      io.Writer
}

func exportCommand(flags *genericclioptions.ConfigFlags) *cobra.Command {
	var to, identity, project string
	command := &cobra.Command{
		Use:   "export GATEWAY --to DIR",
		Short: "Write the inventory and vars of an NftGateway, for a dry run by hand",
		Long: `Writes the exact inventory and extra-vars with which the operator would run
its playbook on the hosts of an NftGateway, so that you can see what would
change:

  kubectl nftgateway export edge --to /tmp/edge --identity ~/.ssh/gateway
  ansible-playbook -i /tmp/edge/inventory.yml -e @/tmp/edge/vars.json playbooks/apply.yml --check --diff

The private key is not written. Name a key file that the hosts accept with
--identity; without it, ssh tries your agent and your usual keys.`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			namespace, _, err := flags.ToRawKubeConfigLoader().Namespace()
			if err != nil {
				return err
			}
			reader, err := newReader(flags)
			if err != nil {
				return err
			}
			return export{
				gateway:  types.NamespacedName{Namespace: namespace, Name: args[0]},
				dir:      to,
				identity: identity,
				project:  project,
				out:      command.OutOrStdout(),
			}.run(command.Context(), reader)
		},
	}
	command.Flags().StringVar(&to, "to", "", "the folder to write to; it is made where it is missing")
	command.Flags().StringVar(&identity, "identity", "", "the file with the private key, which ssh_config will refer to")
	command.Flags().StringVar(&project, "project", ".", "the folder with the operator's playbooks and templates; these are part of what a revision names")
	_ = command.MarkFlagRequired("to")
	return command
}

func newReader(flags *genericclioptions.ConfigFlags) (client.Reader, error) {
	config, err := flags.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	return client.New(config, client.Options{Scheme: scheme})
}

func (e export) run(ctx context.Context, reader client.Reader) error {
	identity, err := existingFile(e.identity)
	if err != nil {
		return err
	}
	var gateway v1alpha1.NftGateway
	if err := reader.Get(ctx, e.gateway, &gateway); err != nil {
		return fmt.Errorf("NftGateway %s: %w", e.gateway, err)
	}
	templates, err := ansible.ReadTemplates(e.project)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(e.out, "%s has no templates, so revisions are named otherwise than by the operator; see --project\n", e.project)
	} else if err != nil {
		return err
	}
	intent, err := controllers.NewGatherer(reader, reader, templates).Gather(ctx, &gateway)
	if err != nil {
		return fmt.Errorf("NftGateway %s is not accepted: %w", e.gateway, err)
	}
	if err := ownFolder(e.dir); err != nil {
		return err
	}
	if err := ansible.WriteFiles(e.dir, intent.Run(""), identity); err != nil {
		return err
	}
	e.explain(intent)
	return nil
}

// ownFolder makes a folder that nobody else may write to: what lies there is
// run by Ansible, with the caller's rights.
func ownFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o022 != 0 || known && int(owner.Uid) != os.Getuid() {
		return fmt.Errorf("--to: %s is not a folder that only you can write to; choose another", path)
	}
	return nil
}

// existingFile returns the absolute path of a file that is there.
func existingFile(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("--identity: %w", err)
	}
	return filepath.Abs(path)
}

func (e export) explain(intent controllers.Intent) {
	fmt.Fprintf(e.out, "%d hosts, %d openings, %d refusals written to %s\n",
		len(intent.Targets), len(intent.Plan.Exposures), len(intent.Plan.Refusals), e.dir)
	for _, refusal := range intent.Plan.Refusals {
		fmt.Fprintf(e.out, "refused: %s: %s: %s\n", refusal.Service, refusal.Reason, refusal.Message)
	}
	fmt.Fprintf(e.out, "\nSee what would change (nothing is changed):\n  ansible-playbook -i %s -e @%s playbooks/apply.yml --check --diff\n",
		filepath.Join(e.dir, ansible.InventoryFile), filepath.Join(e.dir, ansible.VarsFile))
}
