package api

import (
	"regexp"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// TestEveryRuleRefusesSomething: whatever the schema of spec demands, there is a
// wrong manifest that is refused for it.
func TestEveryRuleRefusesSomething(t *testing.T) {
	sentences, fields := map[string]bool{}, map[string]bool{}
	index := regexp.MustCompile(`\[[0-9]+\]`)
	for _, refused := range refusals {
		sentences[refused.sentence] = true
		fields[index.ReplaceAllString(refused.field, "[]")] = true
	}
	schema := schemaOf(t, "nftgateways")
	seen := 0
	for path, part := range parts("", schema) {
		if path == "metadata" || path == "status" || strings.HasPrefix(path, "status.") {
			continue
		}
		for _, rule := range part.XValidations {
			seen++
			if !sentences[rule.Message] {
				t.Errorf("%s: nothing is refused with %q", path, rule.Message)
			}
		}
		for _, name := range part.Required {
			seen++
			if field := strings.TrimPrefix(path+"."+name, "."); !fields[field] {
				t.Errorf("%s may be left out, as far as is tried", field)
			}
		}
		if isBounded(part) {
			seen++
			if !fields[path] {
				t.Errorf("%s: no wrong value of it is tried", path)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d demands were looked at", seen)
	}
}

// isBounded says whether a schema allows only some values of its type.
func isBounded(schema *apiextensionsv1.JSONSchemaProps) bool {
	return len(schema.Enum) > 0 || schema.Pattern != "" || schema.Minimum != nil || schema.Maximum != nil ||
		schema.MinLength != nil || schema.MaxLength != nil || schema.MinItems != nil || schema.MaxItems != nil
}

// parts walks a schema and everything below it: fields, and "[]" for the entries
// of lists.
func parts(path string, schema *apiextensionsv1.JSONSchemaProps) map[string]*apiextensionsv1.JSONSchemaProps {
	found := map[string]*apiextensionsv1.JSONSchemaProps{path: schema}
	add := func(path string, schema *apiextensionsv1.JSONSchemaProps) {
		for path, part := range parts(path, schema) {
			found[path] = part
		}
	}
	if schema.Items != nil {
		add(path+"[]", schema.Items.Schema)
	}
	for name, property := range schema.Properties {
		add(strings.TrimPrefix(path+"."+name, "."), &property)
	}
	return found
}
