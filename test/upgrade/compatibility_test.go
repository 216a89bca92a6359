package upgrade

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/utils/ptr"
)

// tightened are the differences that are meant, each with what becomes of an
// object that is stored already: the API server asks again only for what
// changes in it.
var tightened = map[string]string{
	"nftgateways.spec.hosts: a new rule: size(self) > 0":                                    "minItems demanded it before, in words that nobody understood",
	"nftgateways.spec.hosts: a new rule: self.all(a, self.exists_one(b, a.name == b.name))": "the map's key demanded it before, in words that nobody understood",
	"nftgateways.spec: a new rule: self.hosts.all(a, self.hosts.exists_one(b, a.address == b.address && (has(a.port) ? a.port : self.ssh.port) == (has(b.port) ? b.port : self.ssh.port)))": "" +
		"stood at spec.hosts, and did not know spec.ssh.port: the operator always refused two hosts at one port",
	"nftgateways.spec.hosts[].publicInterfaces[]: a new rule: self.matches('^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}$')": "maxLength had the 15 letters, and says less",
	"nftgateways.spec.publicInterfaces[]: a new rule: self.matches('^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}$')":         "maxLength had the 15 letters, and says less",
	"nftgateways.spec.services.allowedCIDRs: a new rule: size(self) > 0":                                            "minItems demanded it before, in words that nobody understood",
	"nftgateways.spec.services.namespaceSelector: a new rule: " + selectorRule:                                      "the operator always refused such a selector, and still tells so where one is stored",
	"nftgateways.spec.services.selector: a new rule: " + selectorRule:                                               "the operator always refused such a selector, and still tells so where one is stored",
}

const selectorRule = "!has(self.matchExpressions) || self.matchExpressions.all(e, e.operator in ['In', 'NotIn'] ? has(e.values) && size(e.values) > 0 : " +
	"e.operator in ['Exists', 'DoesNotExist'] && (!has(e.values) || size(e.values) == 0))"

// TestNothingStoredIsRefusedByNow compares the CRDs: whoever takes a field, a
// value or a form away writes above why that harms no object.
func TestNothingStoredIsRefusedByNow(t *testing.T) {
	var all []string
	for _, plural := range plurals {
		before, now := readCRD(t, earlier, plural), readCRD(t, shipped, plural)
		for what, values := range map[string][2]any{
			"names": {before.Spec.Names, now.Spec.Names}, "scope": {before.Spec.Scope, now.Spec.Scope}, "group": {before.Spec.Group, now.Spec.Group},
		} {
			if !reflect.DeepEqual(values[0], values[1]) {
				t.Errorf("%s: other %s: %v, before %v", plural, what, values[1], values[0])
			}
		}
		for _, version := range before.Spec.Versions {
			at := slices.IndexFunc(now.Spec.Versions, func(v apiextensionsv1.CustomResourceDefinitionVersion) bool { return v.Name == version.Name })
			if at < 0 || !now.Spec.Versions[at].Served || !reflect.DeepEqual(now.Spec.Versions[at].Subresources, version.Subresources) {
				t.Errorf("%s: %s is not served any more, or has other subresources", plural, version.Name)
				continue
			}
			all = append(all, tightenings(plural, version.Schema.OpenAPIV3Schema, now.Spec.Versions[at].Schema.OpenAPIV3Schema)...)
		}
	}
	for _, found := range all {
		if tightened[found] == "" {
			t.Errorf("an object that is stored may be refused, or lose something: %s", found)
		}
	}
	for exception := range tightened {
		if !slices.Contains(all, exception) {
			t.Errorf("there is no such difference: %s", exception)
		}
	}
}

// tightenings are the ways in which a schema takes less than it did before, or
// means something else by the same.
func tightenings(path string, before, now *apiextensionsv1.JSONSchemaProps) (found []string) {
	tell := func(is bool, format string, arguments ...any) {
		if is {
			found = append(found, path+": "+fmt.Sprintf(format, arguments...))
		}
	}
	tell(before.Type != now.Type && now.Type != "", "type %s, before %s", now.Type, before.Type)
	tell(before.Format != now.Format && now.Format != "", "format %s", now.Format)
	tell(before.Pattern != now.Pattern && now.Pattern != "", "pattern %s", now.Pattern)
	tell(before.Nullable && !now.Nullable, "not null any more")
	tell(before.XIntOrString && !now.XIntOrString, "not a number or a text any more")
	tell(ptr.Deref(before.XPreserveUnknownFields, false) && !ptr.Deref(now.XPreserveUnknownFields, false), "loses unknown fields")
	tell(!reflect.DeepEqual(before.Default, now.Default), "another default")
	tell(!reflect.DeepEqual(before.XListType, now.XListType) || !reflect.DeepEqual(before.XListMapKeys, now.XListMapKeys) || !reflect.DeepEqual(before.XMapType, now.XMapType), "merged in another way")
	tell(now.Not != nil && !reflect.DeepEqual(before.Not, now.Not) || len(now.AllOf) > len(before.AllOf) || len(now.OneOf) > 0 && len(before.OneOf) == 0 ||
		len(now.AnyOf) > 0 && len(before.AnyOf) == 0, "further conditions")
	tell(below(now.MaxLength, before.MaxLength) || below(now.MaxItems, before.MaxItems) || below(now.MaxProperties, before.MaxProperties) || below(now.Maximum, before.Maximum), "a smaller maximum")
	tell(above(now.MinLength, before.MinLength) || above(now.MinItems, before.MinItems) || above(now.MinProperties, before.MinProperties) || above(now.Minimum, before.Minimum), "a greater minimum")
	for _, value := range before.Enum {
		tell(len(now.Enum) > 0 && !slices.ContainsFunc(now.Enum, func(v apiextensionsv1.JSON) bool { return string(v.Raw) == string(value.Raw) }), "no %s any more", value.Raw)
	}
	tell(len(before.Enum) == 0 && len(now.Enum) > 0, "an enum")
	for _, name := range now.Required {
		tell(!slices.Contains(before.Required, name), "%s is required", name)
	}
	for _, rule := range now.XValidations {
		known := slices.ContainsFunc(before.XValidations, func(r apiextensionsv1.ValidationRule) bool { return r.Rule == rule.Rule })
		tell(!known, "a new rule: %s", rule.Rule)
	}
	for name, property := range before.Properties {
		next, there := now.Properties[name]
		tell(!there, "%s is gone", name)
		if there {
			found = append(found, tightenings(path+"."+name, &property, &next)...)
		}
	}
	if before.Items != nil && now.Items != nil {
		found = append(found, tightenings(path+"[]", before.Items.Schema, now.Items.Schema)...)
	}
	if before.AdditionalProperties != nil {
		tell(now.AdditionalProperties == nil, "no free keys any more")
		if now.AdditionalProperties != nil && before.AdditionalProperties.Schema != nil && now.AdditionalProperties.Schema != nil {
			found = append(found, tightenings(path+"{}", before.AdditionalProperties.Schema, now.AdditionalProperties.Schema)...)
		}
	}
	return found
}

func below[N int64 | float64](now, before *N) bool {
	return now != nil && (before == nil || *now < *before)
}

func above[N int64 | float64](now, before *N) bool {
	return now != nil && *now > ptr.Deref(before, 0)
}

// TestTighteningsAreSeen makes the schema of now stricter in one way after the
// other, and looser, which harms nobody.
func TestTighteningsAreSeen(t *testing.T) {
	within := func(names ...string) func(*apiextensionsv1.JSONSchemaProps, func(*apiextensionsv1.JSONSchemaProps)) {
		return func(schema *apiextensionsv1.JSONSchemaProps, change func(*apiextensionsv1.JSONSchemaProps)) {
			changeAt(schema, names, change)
		}
	}
	type schema = apiextensionsv1.JSONSchemaProps
	for name, test := range map[string]struct {
		at     func(*schema, func(*schema))
		change func(*schema)
		told   string
	}{
		"a field gone":         {within("spec", "firewall"), func(s *schema) { delete(s.Properties, "icmp") }, "nftgateways.spec.firewall: icmp is gone"},
		"a value gone":         {within("spec", "firewall", "defaultAction"), func(s *schema) { s.Enum = s.Enum[:1] }, `nftgateways.spec.firewall.defaultAction: no "Accept" any more`},
		"another default":      {within("spec", "firewall", "defaultAction"), func(s *schema) { s.Default.Raw = []byte(`"Accept"`) }, "nftgateways.spec.firewall.defaultAction: another default"},
		"fewer hosts":          {within("spec", "hosts"), func(s *schema) { s.MaxItems = ptr.To[int64](8) }, "nftgateways.spec.hosts: a smaller maximum"},
		"a longer name needed": {within("spec", "hosts", "name"), func(s *schema) { s.MinLength = ptr.To[int64](2) }, "nftgateways.spec.hosts[].name: a greater minimum"},
		"a pattern":            {within("spec", "hosts", "name"), func(s *schema) { s.Pattern = "^gw" }, "nftgateways.spec.hosts[].name: pattern ^gw"},
		"a stricter rule":      {within("spec", "hosts", "name"), func(s *schema) { s.XValidations[0].Rule = "self == 'gw1'" }, "nftgateways.spec.hosts[].name: a new rule: self == 'gw1'"},
		"a field required":     {within("spec", "rollout"), func(s *schema) { s.Required = []string{"maxUnavailable"} }, "nftgateways.spec.rollout: maxUnavailable is required"},
		"another type":         {within("spec", "hosts", "port"), func(s *schema) { s.Type = "string" }, "nftgateways.spec.hosts[].port: type string, before integer"},
		"labels that are none": {within("spec", "services", "selector", "matchLabels"), func(s *schema) { s.AdditionalProperties = nil }, "nftgateways.spec.services.selector.matchLabels: no free keys any more"},
		"merged otherwise":     {within("spec", "hosts"), func(s *schema) { s.XListType = ptr.To("atomic") }, "nftgateways.spec.hosts: merged in another way"},
		"more hosts":           {within("spec", "hosts"), func(s *schema) { s.MaxItems = nil; s.XValidations = nil }, ""},
		"a new field":          {within("spec"), func(s *schema) { s.Properties["color"] = schema{Type: "string"} }, ""},
		"any value":            {within("spec", "firewall", "defaultAction"), func(s *schema) { s.Enum = nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			changed := schemaOf(t, shipped, "nftgateways")
			test.at(changed, test.change)
			if found := strings.Join(tightenings("nftgateways", schemaOf(t, shipped, "nftgateways"), changed), "\n"); found != test.told {
				t.Errorf("got %q, want %q", found, test.told)
			}
		})
	}
}

// changeAt changes the schema at a path, that of an array's items included.
func changeAt(schema *apiextensionsv1.JSONSchemaProps, names []string, change func(*apiextensionsv1.JSONSchemaProps)) {
	if len(names) == 0 {
		change(schema)
		return
	}
	if schema.Items != nil {
		schema = schema.Items.Schema
	}
	property := schema.Properties[names[0]]
	changeAt(&property, names[1:], change)
	schema.Properties[names[0]] = property
}
