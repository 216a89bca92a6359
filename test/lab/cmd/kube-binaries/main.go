// Command kube-binaries builds the lab's control plane where it is missing, and
// prints the directory of its programs.
package main

import (
	"fmt"
	"os"

	"github.com/nft-operator/nft-operator/test/lab"
)

func main() {
	directory, err := lab.EnsureKube(os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "kube-binaries:", err)
		os.Exit(1)
	}
	fmt.Println(directory)
}
