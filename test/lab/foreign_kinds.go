package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// foreignKinds are kinds of others that the product's manifests are of: those of
// OLM and of the Prometheus Operator. Their CRDs lie in Go modules, of which the
// files are needed and nothing is built.
var foreignKinds = []struct{ module, sum, crds string }{
	{"github.com/operator-framework/api@v0.44.0", "h1:UPPNVVI2HJyfH17cnL/8PADV4DCaNLqfL08e+AyYrO8=",
		"crds/operators.coreos.com_*.yaml"},
	{"github.com/prometheus-operator/prometheus-operator@v0.85.0", "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
		"example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml"},
}

// foreignKindsVariable lists the files, as PATH lists folders.
const foreignKindsVariable = "NFT_OPERATOR_LAB_FOREIGN_KINDS"

// EnsureForeignKinds returns the files with their CRDs, as PATH lists folders. It
// needs the network the first time.
func EnsureForeignKinds() (string, error) {
	var files []string
	for _, kinds := range foreignKinds {
		directory, err := downloadModule(kinds.module, kinds.sum)
		if err != nil {
			return "", err
		}
		found, err := filepath.Glob(filepath.Join(directory, kinds.crds))
		if err != nil {
			return "", err
		}
		if len(found) == 0 {
			return "", fmt.Errorf("%s has no %s", kinds.module, kinds.crds)
		}
		files = append(files, found...)
	}
	return strings.Join(files, string(filepath.ListSeparator)), nil
}

// downloadModule puts a module into Go's cache, and returns the folder that it
// is in there.
func downloadModule(module, sum string) (string, error) {
	output, err := exec.Command("go", "mod", "download", "-json", module).Output()
	var downloaded struct{ Dir, Sum, Error string }
	if decoding := json.Unmarshal(output, &downloaded); decoding != nil {
		return "", fmt.Errorf("download %s: %w", module, errors.Join(err, decoding))
	}
	if downloaded.Error != "" {
		return "", fmt.Errorf("download %s: %s", module, downloaded.Error)
	}
	if downloaded.Sum != sum {
		return "", fmt.Errorf("download %s: its sum is %s, want %s", module, downloaded.Sum, sum)
	}
	return downloaded.Dir, nil
}

// InstallForeignKinds creates the CRDs of OLM and of the ServiceMonitor.
// [Isolation.ForeignKinds] must have been set.
func (c *ControlPlane) InstallForeignKinds() error {
	files := filepath.SplitList(os.Getenv(foreignKindsVariable))
	if len(files) == 0 {
		return errors.New("install foreign kinds: their files are not known; set Isolation.ForeignKinds")
	}
	_, err := envtest.InstallCRDs(c.Config, envtest.CRDInstallOptions{Paths: files, ErrorIfPathMissing: true, MaxTime: kubeTimeout})
	if err != nil {
		return fmt.Errorf("install foreign kinds: %w", err)
	}
	return nil
}
