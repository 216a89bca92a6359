package manifests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kustomizations finds every folder of config that kustomize can build by
// itself, and the default with the component that needs the Prometheus Operator.
func kustomizations(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../config/*/kustomization.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("%v, %v", files, err)
	}
	folders := []string{"testdata/with-prometheus"}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "\nkind: Component\n") {
			folders = append(folders, filepath.Dir(file))
		}
	}
	return folders
}

// dryRun asks the API server about a text, as kubectl does that wants to know
// of unknown fields.
func dryRun(t *testing.T, text string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tried.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return kube.Kubectl(t.Context(), "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "--filename", file)
}

// build is what kustomize makes of a folder, as far as an API server is asked
// about it: config/scorecard is for operator-sdk only.
func build(t *testing.T, folder string) string {
	t.Helper()
	text, err := kube.Kubectl(t.Context(), "kustomize", "--load-restrictor=LoadRestrictionsNone", folder)
	if err != nil {
		t.Fatal(err)
	}
	var documents []string
	for document := range strings.SplitSeq(text, "\n---\n") {
		if strings.Contains("\n"+document, "\napiVersion: scorecard.operatorframework.io/") {
			continue
		}
		// OLM replaces the namespace of a base.
		documents = append(documents, strings.Replace(document, "\n  namespace: placeholder\n", "\n  namespace: nft-operator-system\n", 1))
	}
	return strings.Join(documents, "\n---\n")
}

func TestEveryKustomizationIsOfItsSchemas(t *testing.T) {
	for _, folder := range kustomizations(t) {
		text := build(t, folder)
		if text == "" {
			continue
		}
		if said, err := dryRun(t, text); err != nil || strings.Count(said, "(server dry run)") != strings.Count(text, "\n---\n")+1 {
			t.Errorf("%s: %v\n%s", folder, err, said)
		}
	}
}

// TestUnknownFieldsAreRefused, of the API server's own kinds and of others':
// what the test above says is worth something.
func TestUnknownFieldsAreRefused(t *testing.T) {
	for _, test := range []struct{ folder, right, wrong, sentence string }{
		{"../../config/manager", "serviceAccountName:", "serviceAcountName:", ".spec.template.spec.serviceAcountName: field not declared in schema"},
		{"../../config/network-policy", "  - Egress", "  - Egres", `spec.policyTypes[1]: Unsupported value: "Egres"`},
		{"../../config/olm", "targetNamespaces:", "targetNamespace:", ".spec.targetNamespace: field not declared in schema"},
		{"testdata/with-prometheus", "interval: 30s", "intervall: 30s", ".spec.endpoints[0].intervall: field not declared in schema"},
		{"../../config/manifests", "  maturity: alpha", "  maturityLevel: 1", ".spec.maturityLevel: field not declared in schema"},
	} {
		text := build(t, test.folder)
		wrong := strings.Replace(text, test.right, test.wrong, 1)
		if wrong == text {
			t.Errorf("%s has no %q", test.folder, test.right)
			continue
		}
		if _, err := dryRun(t, wrong); err == nil || !strings.Contains(err.Error(), test.sentence) {
			t.Errorf("%s: %v, want %q", test.folder, err, test.sentence)
		}
	}
}
