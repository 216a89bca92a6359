package bundle

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// TestEveryFieldHasADescriptor, and there is none of what is no field.
func TestEveryFieldHasADescriptor(t *testing.T) {
	for plural, least := range map[string]int{"nftgateways": 50, "nftgatewayhosts": 35} {
		var crd apiextensionsv1.CustomResourceDefinition
		readYAML(t, "../../config/crd/nft-operator.io_"+plural+".yaml", &crd)
		if len(crd.Spec.Versions) != 1 {
			t.Fatalf("%s has %d versions", plural, len(crd.Spec.Versions))
		}
		wanted := map[string]bool{}
		for part, schema := range crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties {
			if part == "spec" || part == "status" {
				collect(part+"Descriptors/", "", schema, wanted)
			}
		}
		if len(wanted) < least {
			t.Errorf("%s: only %d fields were looked for", plural, len(wanted))
		}
		if difference := cmp.Diff(wanted, described(t, crd.Name)); difference != "" {
			t.Errorf("%s: (-fields +descriptors):\n%s", plural, difference)
		}
	}
}

// collect gathers the paths of all fields at and below a schema.
func collect(prefix, path string, schema apiextensionsv1.JSONSchemaProps, found map[string]bool) {
	if path != "" {
		found[prefix+path] = true
		path += "."
	}
	for name, field := range schema.Properties {
		collect(prefix, path+name, field, found)
		if field.Items != nil {
			for inner, of := range field.Items.Schema.Properties {
				collect(prefix, path+name+"[0]."+inner, of, found)
			}
		}
	}
}

// described are the descriptors of a kind. Each must say something.
func described(t *testing.T, name string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, kind := range owned(csv.Object["spec"].(map[string]any)) {
		kind := kind.(map[string]any)
		if kind["name"] != name {
			continue
		}
		for _, key := range []string{"specDescriptors", "statusDescriptors"} {
			list, _, err := unstructured.NestedSlice(kind, key)
			if err != nil {
				t.Fatal(err)
			}
			for _, descriptor := range list {
				descriptor := descriptor.(map[string]any)
				path, _ := descriptor["path"].(string)
				found[key+"/"+path] = true
				for _, text := range []string{"displayName", "description"} {
					if said, _ := descriptor[text].(string); strings.TrimSpace(said) == "" {
						t.Errorf("%s: %s has no %s", name, path, text)
					}
				}
			}
		}
	}
	return found
}

// TestTheCRDsAreThoseOfConfig.
func TestTheCRDsAreThoseOfConfig(t *testing.T) {
	paths, err := filepath.Glob("../../config/crd/nft-operator.io_*.yaml")
	if err != nil || len(paths) != 2 {
		t.Fatalf("%v, %v", paths, err)
	}
	for _, path := range paths {
		var want, got apiextensionsv1.CustomResourceDefinition
		readYAML(t, path, &want)
		readYAML(t, filepath.Join("../../bundle/manifests", filepath.Base(path)), &got)
		if difference := cmp.Diff(want.Spec, got.Spec); difference != "" {
			t.Errorf("%s (-config +bundle):\n%s", filepath.Base(path), difference)
		}
	}
}

// TestTheBundleIsOfTheRelease: its image and its version.
func TestTheBundleIsOfTheRelease(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^VERSION := (\S+)$`).FindSubmatch(makefile)
	if found == nil {
		t.Fatal("no VERSION in the Makefile")
	}
	version := string(found[1])
	image := "ghcr.io/nft-operator/nft-operator:" + version
	spec := csv.Object["spec"].(map[string]any)
	for what, test := range map[string]struct{ got, want any }{
		"name":           {csv.GetName(), "nft-operator.v" + version},
		"version":        {spec["version"], version},
		"containerImage": {csv.GetAnnotations()["containerImage"], image},
		"relatedImages":  {spec["relatedImages"], []any{map[string]any{"name": "operator", "image": image}}},
		"Deployment":     {deployment.Spec.Template.Spec.Containers[0].Image, image},
	} {
		if difference := cmp.Diff(test.want, test.got); difference != "" {
			t.Errorf("%s (-release +bundle):\n%s", what, difference)
		}
	}
	if hour, told := csv.GetAnnotations()["createdAt"]; told {
		t.Errorf("it tells that it was made at %s, so each make bundle would change it", hour)
	}
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
