// Command kube-binaries builds the programs of the lab's control plane and node,
// and fetches the kinds of others, where they are missing. With -olm it builds the
// Operator Lifecycle Manager too. It prints the directory of the control plane's.
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
	if err == nil { // here, because the lab is entered as root, and Go's cache is the caller's
		_, err = lab.EnsureForeignKinds()
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
