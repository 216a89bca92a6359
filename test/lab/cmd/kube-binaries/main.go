// Command kube-binaries builds the lab's control plane and the programs of its
// node where they are missing, and prints the directory of the control plane's.
package main

import (
	"fmt"
	"os"

	"github.com/nft-operator/nft-operator/test/lab"
)

func main() {
	directory, err := lab.EnsureKube(os.Stderr)
	if err == nil {
		_, err = lab.EnsureNode(os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kube-binaries:", err)
		os.Exit(1)
	}
	fmt.Println(directory)
}
