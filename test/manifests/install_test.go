package manifests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestInstallingAgainChangesNothing, as an upgrade to the same version would.
func TestInstallingAgainChangesNothing(t *testing.T) {
	before := deployment.Generation
	if _, err := install(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := deployment.DeepCopy()
	if err := api.Get(t.Context(), keyOf(after), after); err != nil || after.Generation != before {
		t.Errorf("generation %d became %d, %v", before, after.Generation, err)
	}
}

// TestTheOlderWayOfApplyingWorksToo: kubectl apply without --server-side keeps the
// whole of each object in an annotation, which has room for 256 KiB.
func TestTheOlderWayOfApplyingWorksToo(t *testing.T) {
	for range 2 {
		if _, err := kube.Kubectl(t.Context(), "apply", "--validate=strict", "--filename", installFile); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEverySampleIsAcceptedAfterwards(t *testing.T) {
	samples, err := filepath.Glob("../../config/samples/*.yaml")
	if err != nil || len(samples) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, sample := range samples {
		if _, err := kube.Kubectl(t.Context(), "apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename", sample); err != nil {
			t.Error(err)
		}
	}
}

func TestTheImageIsThatOfTheRelease(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^VERSION := (\S+)$`).FindSubmatch(makefile)
	if version == nil {
		t.Fatal("no VERSION in the Makefile")
	}
	if got, want := operatorContainer(t).Image, "ghcr.io/nft-operator/nft-operator:"+string(version[1]); got != want {
		t.Errorf("the Deployment runs %s, want %s", got, want)
	}
}

// TestTheOperatorKnowsTheArguments of the Deployment: unknown flags are errors.
func TestTheOperatorKnowsTheArguments(t *testing.T) {
	program, err := lab.BuildProgram("nft-operator")
	if err != nil {
		t.Fatal(err)
	}
	arguments := append(operatorContainer(t).Args, "--version")
	if output, err := exec.Command(program, arguments...).CombinedOutput(); err != nil || !strings.HasPrefix(string(output), "nft-operator ") {
		t.Errorf("%v: %s", err, output)
	}
}

// TestPrometheusFindsTheMetrics where the component is added.
func TestPrometheusFindsTheMetrics(t *testing.T) {
	text, err := kube.Kubectl(t.Context(), "kustomize", "testdata/with-prometheus")
	if err != nil {
		t.Fatal(err)
	}
	var monitor, service map[string]any
	for _, object := range objectsOf(t, text) {
		switch object["kind"] {
		case "ServiceMonitor":
			monitor = object
		case "Service":
			service = object
		}
	}
	if monitor == nil || service == nil {
		t.Fatalf("ServiceMonitor %v, Service %v", monitor, service)
	}
	wantSame(t, "labels", field(monitor, "spec", "selector", "matchLabels"), field(service, "metadata", "labels"))
	wantSame(t, "namespace", field(monitor, "metadata", "namespace"), field(service, "metadata", "namespace"))
	endpoint, _ := field(monitor, "spec", "endpoints").([]any)
	port, _ := field(service, "spec", "ports").([]any)
	wantSame(t, "port", field(endpoint[0], "port"), field(port[0], "name"))
}
