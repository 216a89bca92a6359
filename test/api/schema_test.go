package api

import (
	"iter"
	"os"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// schemaOf reads the schema of a kind from the CRD that is shipped.
func schemaOf(t *testing.T, plural string) *apiextensionsv1.JSONSchemaProps {
	t.Helper()
	text, err := os.ReadFile("../../config/crd/nft-operator.io_" + plural + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &crd); err != nil {
		t.Fatal(err)
	}
	return crd.Spec.Versions[0].Schema.OpenAPIV3Schema
}

// properties walks every property at and below a schema, with its path.
func properties(path string, schema *apiextensionsv1.JSONSchemaProps) iter.Seq2[string, *apiextensionsv1.JSONSchemaProps] {
	return func(yield func(string, *apiextensionsv1.JSONSchemaProps) bool) { walk(path, schema, yield) }
}

func walk(path string, schema *apiextensionsv1.JSONSchemaProps, yield func(string, *apiextensionsv1.JSONSchemaProps) bool) bool {
	if !yield(path, schema) {
		return false
	}
	if schema.Items != nil && !walkFields(path, schema.Items.Schema, yield) {
		return false
	}
	return walkFields(path, schema, yield)
}

func walkFields(path string, schema *apiextensionsv1.JSONSchemaProps, yield func(string, *apiextensionsv1.JSONSchemaProps) bool) bool {
	for name, property := range schema.Properties {
		if !walk(path+"."+name, &property, yield) {
			return false
		}
	}
	return true
}

// TestEveryFieldIsExplained: kubectl explain has a text for every field. That
// of metadata is the API server's own.
func TestEveryFieldIsExplained(t *testing.T) {
	for plural, fields := range map[string]int{"nftgateways": 60, "nftgatewayhosts": 25} {
		t.Run(plural, func(t *testing.T) {
			seen := 0
			for path, property := range properties(plural, schemaOf(t, plural)) {
				seen++
				if path != plural+".metadata" && strings.TrimSpace(property.Description) == "" {
					t.Errorf("%s has no description", path)
				}
			}
			if seen < fields {
				t.Errorf("only %d fields were looked at", seen)
			}
			text, err := kube.Kubectl(t.Context(), "explain", plural, "--recursive")
			if err != nil || strings.Contains(text, "<empty>") {
				t.Errorf("kubectl explain: %v\n%s", err, text)
			}
		})
	}
}

func TestExplainTellsWhatAFieldDoes(t *testing.T) {
	for field, want := range map[string]string{
		"nftgw": "group of Linux hosts",
		"nftgw.spec.firewall.establishedConnections": "Terminate cuts them",
		"nftgw.spec.services":                        "allowedCIDRs <[]string> -required-",
		"nftgw.spec.rollout.confirmTimeout":          "takes the change back by itself",
		"nftgw.spec.rollout.maxUnavailable":          "at least one host",
		"nftgwh.status.lastRollback":                 "nobody could log in anew",
		"nftgwh.status.conditions":                   "Accepted, Reachable, Programmed, Degraded",
	} {
		text, err := kube.Kubectl(t.Context(), "explain", field)
		if err != nil || !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("kubectl explain %s does not say %q: %v\n%s", field, want, err, text)
		}
	}
}
