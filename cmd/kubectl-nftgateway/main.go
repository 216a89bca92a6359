// Command kubectl-nftgateway is a kubectl plugin for NftGateways.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
)

func main() {
	flags := genericclioptions.NewConfigFlags(true)
	root := &cobra.Command{
		Use:           "kubectl-nftgateway",
		Short:         "Look at what nft-operator does with NftGateways",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	flags.AddFlags(root.PersistentFlags())
	root.AddCommand(exportCommand(flags))
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "kubectl-nftgateway:", err)
		os.Exit(1)
	}
}
