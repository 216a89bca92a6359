// Command csv completes the ClusterServiceVersion of an OLM bundle with what can
// be read elsewhere: a descriptor for each field of the CRDs beside it, the
// Deployment's image, and the icon.
//
//	csv BUNDLE/manifests ICON.svg
package main

import (
	"fmt"
	"os"
	"path/filepath"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: csv BUNDLE/manifests ICON.svg")
		os.Exit(2)
	}
	if err := complete(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "csv:", err)
		os.Exit(1)
	}
}

func complete(manifests, icon string) error {
	path := filepath.Join(manifests, "nft-operator.clusterserviceversion.yaml")
	var csv map[string]any
	if err := read(path, &csv); err != nil {
		return err
	}
	crds, err := readCRDs(manifests)
	if err != nil {
		return err
	}
	if err := describe(csv, crds); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := nameImages(csv); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := show(csv, icon); err != nil {
		return err
	}
	forgetTheHour(csv)
	written, err := yaml.Marshal(csv)
	if err != nil {
		return err
	}
	return os.WriteFile(path, written, 0o644) //nolint:gosec // it is part of the source tree
}

// readCRDs reads those of a bundle, by name.
func readCRDs(manifests string) (map[string]apiextensions.CustomResourceDefinition, error) {
	paths, err := filepath.Glob(filepath.Join(manifests, "nft-operator.io_*.yaml"))
	if err != nil {
		return nil, err
	}
	crds := map[string]apiextensions.CustomResourceDefinition{}
	for _, path := range paths {
		var crd apiextensions.CustomResourceDefinition
		if err := read(path, &crd); err != nil {
			return nil, err
		}
		crds[crd.Name] = crd
	}
	return crds, nil
}

func read(path string, into any) error {
	content, err := os.ReadFile(path) //nolint:gosec // a developer names it
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(content, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
