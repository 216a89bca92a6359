// Command sbom prints what is in a container image, in SPDX 2.3: the Debian
// packages that dpkg knows of, and the Go modules that the programs name
// themselves.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	image := flag.String("image", "", "the image, REPOSITORY:TAG")
	status := flag.String("dpkg-status", "", "the image's /var/lib/dpkg/status")
	flag.Parse()
	if err := run(*image, *status, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(image, status string, programs []string) error {
	parts, err := debianPackages(status)
	if err != nil {
		return err
	}
	for _, program := range programs {
		modules, err := goModules(program)
		if err != nil {
			return err
		}
		parts = append(parts, modules...)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	return encoder.Encode(newDocument(image, unique(parts), time.Now()))
}

// unique leaves out what is named more than once: programs share modules.
func unique(parts []part) []part {
	seen := map[part]bool{}
	var once []part
	for _, p := range parts {
		if !seen[p] {
			seen[p] = true
			once = append(once, p)
		}
	}
	return once
}
