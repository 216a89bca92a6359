// Command kube-binaries builds the lab's control plane and the programs of its
// node where they are missing, and prints the directory of the control plane's.
// With -olm it builds those of the Operator Lifecycle Manager too.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/nft-operator/nft-operator/test/lab"
)

func main() {
	olm := flag.Bool("olm", false, "build the Operator Lifecycle Manager too")
	flag.Parse()
	directory, err := lab.EnsureKube(os.Stderr)
	if err == nil {
		_, err = lab.EnsureNode(os.Stderr)
	}
	if err == nil && *olm {
		_, err = lab.EnsureOLM(os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kube-binaries:", err)
		os.Exit(1)
	}
	fmt.Println(directory)
}
