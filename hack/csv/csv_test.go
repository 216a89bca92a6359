package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

func TestAFieldIsNamedInWords(t *testing.T) {
	for name, want := range map[string]string{
		"address":          "Address",
		"publicInterfaces": "Public interfaces",
		"managementCIDRs":  "Management CIDRs",
		"ssh":              "SSH",
		"os":               "OS",
		"sshdPort":         "Sshd port",
	} {
		if got := words(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestASentenceBeginsWithTheWords(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"publicInterfaces", "publicInterfaces face\nthe outside.", "Public interfaces face the outside."},
		{"conditions", "conditions: Accepted.", "Conditions: Accepted."},
		{"port", "Port of the server.", "Port of the server."},
		{"host", "hosts are many.", "hosts are many."},
		{"name", "", ""},
	} {
		if got := sentence(test.name, test.text); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestEachFieldIsDescribed(t *testing.T) {
	var crd apiextensions.CustomResourceDefinition
	if err := yaml.UnmarshalStrict([]byte(`
spec:
  versions:
    - schema:
        openAPIV3Schema:
          properties:
            status:
              properties:
                conditions: {description: 'conditions: some.'}
            spec:
              properties:
                hosts:
                  description: hosts of it.
                  items: {properties: {port: {description: port of it.}}}
                ssh: {description: ssh to it., properties: {user: {description: user of it.}}}
`), &crd); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"specDescriptors": []any{
			map[string]any{"path": "hosts", "displayName": "Hosts", "description": "Hosts of it."},
			map[string]any{"path": "hosts[0].port", "displayName": "Port", "description": "Port of it."},
			map[string]any{"path": "ssh", "displayName": "SSH", "description": "SSH to it."},
			map[string]any{"path": "ssh.user", "displayName": "User", "description": "User of it."},
		},
		"statusDescriptors": []any{map[string]any{
			"path": "conditions", "displayName": "Conditions", "description": "Conditions: some.",
			"x-descriptors": []any{"urn:alm:descriptor:io.kubernetes.conditions"},
		}},
	}
	if difference := cmp.Diff(want, descriptors(crd)); difference != "" {
		t.Error(difference)
	}
}

// A bundle that does not fit together is told, not completed.
func TestWhatDoesNotFitIsTold(t *testing.T) {
	const (
		whole = `
metadata: {annotations: {createdAt: "2026-01-01T00:00:00Z"}}
spec:
  customresourcedefinitions: {owned: [{name: nftgateways.nft-operator.io}]}
  install: {spec: {deployments: [{spec: {template: {spec: {containers: [{image: registry.example.org/nft-operator:1}]}}}}]}}
`
		crd = `
metadata: {name: nftgateways.nft-operator.io}
spec: {versions: [{schema: {openAPIV3Schema: {}}}]}
`
	)
	for _, test := range []struct{ csv, crd, sentence string }{
		{whole, crd, ""},
		{strings.Replace(whole, "nftgateways", "nftgatewayhosts", 1), crd, `it owns "nftgatewayhosts.nft-operator.io", of which there is no CRD`},
		{strings.Replace(whole, "{name: nftgateways.nft-operator.io}", "", 1), crd, "it does not own [nftgateways.nft-operator.io]"},
		{strings.Replace(whole, "{image: registry.example.org/nft-operator:1}", "{}", 1), crd, "its container has no image"},
		{strings.Replace(whole, "{image: registry.example.org/nft-operator:1}", "{image: a}, {image: b}", 1), crd, "its Deployment has not one container"},
	} {
		folder := t.TempDir()
		file := filepath.Join(folder, "nft-operator.clusterserviceversion.yaml")
		for path, text := range map[string]string{file: test.csv, filepath.Join(folder, "nft-operator.io_nftgateways.yaml"): test.crd} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := complete(folder, "../../config/manifests/icon.svg")
		if test.sentence != "" {
			if err == nil || !strings.Contains(err.Error(), test.sentence) {
				t.Errorf("%v, want %q", err, test.sentence)
			}
			continue
		}
		completed, reading := os.ReadFile(file)
		if err != nil || reading != nil || strings.Contains(string(completed), "createdAt") ||
			!strings.Contains(string(completed), "containerImage: registry.example.org/nft-operator:1") {
			t.Errorf("%v, %v:\n%s", err, reading, completed)
		}
	}
}
