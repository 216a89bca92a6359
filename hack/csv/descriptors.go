package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// describe puts descriptors to the kinds that a CSV owns, which must be those of
// the CRDs.
func describe(csv map[string]any, crds map[string]apiextensions.CustomResourceDefinition) error {
	missing := maps.Clone(crds)
	for _, entry := range list(csv, "spec", "customresourcedefinitions", "owned") {
		kind, _ := entry.(map[string]any)
		name, _ := kind["name"].(string)
		crd, found := crds[name]
		if !found {
			return fmt.Errorf("it owns %q, of which there is no CRD", name)
		}
		maps.Copy(kind, descriptors(crd))
		delete(missing, name)
	}
	if len(missing) > 0 {
		return fmt.Errorf("it does not own %v", slices.Sorted(maps.Keys(missing)))
	}
	return nil
}

// descriptors are specDescriptors and statusDescriptors of a CRD's only version.
func descriptors(crd apiextensions.CustomResourceDefinition) map[string]any {
	top := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties
	found := map[string]any{}
	for field, key := range map[string]string{"spec": "specDescriptors", "status": "statusDescriptors"} {
		if schema, there := top[field]; there {
			found[key] = fields("", schema)
		}
	}
	return found
}

// fields describes what is below a schema, in the order of the names. Entries of
// a list are named by the first one, as OLM wants.
func fields(path string, schema apiextensions.JSONSchemaProps) (described []any) {
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		field := schema.Properties[name]
		at := strings.TrimPrefix(path+"."+name, ".")
		described = append(described, descriptor(at, name, field.Description))
		described = append(described, below(at, field)...)
	}
	return described
}

func below(path string, field apiextensions.JSONSchemaProps) []any {
	if field.Items != nil && field.Items.Schema != nil {
		return fields(path+"[0]", *field.Items.Schema)
	}
	return fields(path, field)
}

// shownAs is how consoles show some fields better than as text.
var shownAs = map[string]string{ //nolint:gosec // names of fields, not what is in them
	"conditions":                   "urn:alm:descriptor:io.kubernetes.conditions",
	"ssh.privateKeySecretRef.name": "urn:alm:descriptor:io.kubernetes:Secret",
}

func descriptor(path, name, text string) any {
	made := map[string]any{"path": path, "displayName": words(name), "description": sentence(name, text)}
	if how, special := shownAs[path]; special {
		made["x-descriptors"] = []any{how}
	}
	return made
}

// acronyms are written as such also where they begin a field's name.
var acronyms = []string{"bgp", "icmp", "ssh", "os"}

// words are those of a field's name: "publicInterfaces" is "Public interfaces".
func words(name string) string {
	if slices.Contains(acronyms, name) {
		return strings.ToUpper(name)
	}
	letters := []rune(name)
	var display strings.Builder
	for i, letter := range letters {
		acronym := i+1 < len(letters) && unicode.IsUpper(letters[i+1])
		switch {
		case i == 0:
			letter = unicode.ToUpper(letter)
		case unicode.IsUpper(letter) && unicode.IsLower(letters[i-1]):
			display.WriteByte(' ')
			if !acronym {
				letter = unicode.ToLower(letter)
			}
		}
		display.WriteRune(letter)
	}
	return display.String()
}

// sentence is what a field's text says of it. Where that begins with the field's
// name, as Go wants, its words take the place.
func sentence(name, text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if rest, found := strings.CutPrefix(text, name); found && rest != "" && !unicode.IsLetter(rune(rest[0])) {
		return words(name) + rest
	}
	return text
}
