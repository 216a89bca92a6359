package ratelimit

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/yaml"
)

// readers has the parser and the policy's pattern of each annotation.
var readers = []struct {
	annotation, variable, pattern string
	parse                         func(string) error
}{
	{AncestorAnnotation, "dataRate", dataPattern(), ignoring(ParseData)},
	{RateAnnotation, "dataRate", dataPattern(), ignoring(ParseData)},
	{PerSourceAnnotation, "dataRate", dataPattern(), ignoring(ParseData)},
	{PerPortAnnotation, "perPort", perPortPattern, ignoring(ParsePerPort)},
	{ConnectionRateAnnotation, "connectionRate", connectionRatePattern(), ignoring(ParseConnectionRate)},
	{ConnectionLimitAnnotation, "connectionLimit", connectionLimitPattern(), ignoring(ParseConnectionLimit)},
}

// policy is the ValidatingAdmissionPolicy that the product ships, and its
// variables by name.
func policy(t *testing.T) (admissionv1.ValidatingAdmissionPolicySpec, map[string]string) {
	t.Helper()
	file, err := os.ReadFile("../../config/admission/rate_limits.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := bytes.Cut(file, []byte("\n---\n"))
	var shipped admissionv1.ValidatingAdmissionPolicy
	if err := yaml.UnmarshalStrict(first, &shipped); err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{}
	for _, variable := range shipped.Spec.Variables {
		variables[variable.Name] = variable.Expression
	}
	return shipped.Spec, variables
}

// operand is a part of a CEL sum of strings.
var operand = regexp.MustCompile(`r"([^"]*)"|variables\.(\w+)`)

// sum is the value of a CEL variable that adds up raw strings and variables.
func sum(variables map[string]string, name string) string {
	var value strings.Builder
	for _, found := range operand.FindAllStringSubmatch(variables[name], -1) {
		if found[2] != "" {
			value.WriteString(sum(variables, found[2]))
		}
		value.WriteString(found[1])
	}
	return value.String()
}

// TestPolicyHasThePatternsOfTheParser, so that a word added to a table of the
// parser is not refused by the policy.
func TestPolicyHasThePatternsOfTheParser(t *testing.T) {
	_, variables := policy(t)
	for _, reader := range readers {
		if shipped := sum(variables, reader.variable); shipped != reader.pattern {
			t.Errorf("config/admission/rate_limits.yaml: variable %s is\n%s\nbut the parser's tables make it\n%s", reader.variable, shipped, reader.pattern)
		}
		entry := `"` + reader.annotation + `": variables.` + reader.variable + ","
		if !strings.Contains(variables["patterns"], entry) {
			t.Errorf("config/admission/rate_limits.yaml: variable patterns lacks %s", entry)
		}
	}
}

// TestPolicyShowsExamplesThatAreRight, and one message for each annotation.
func TestPolicyShowsExamplesThatAreRight(t *testing.T) {
	spec, _ := policy(t)
	if len(spec.Validations) != len(readers) {
		t.Errorf("there are %d validations, want %d", len(spec.Validations), len(readers))
	}
	for i, reader := range readers {
		message := spec.Validations[i].Message
		if !strings.HasPrefix(message, "annotation "+reader.annotation+" cannot be read") ||
			!strings.Contains(spec.Validations[i].Expression, `"`+reader.annotation+`"`) {
			t.Errorf("validation %d is not about %s: %+v", i, reader.annotation, spec.Validations[i])
		}
		examples := regexp.MustCompile(`"([^"]*)"`).FindAllStringSubmatch(message, -1)
		if len(examples) == 0 {
			t.Errorf("no example in: %s", message)
		}
		for _, example := range examples {
			if err := reader.parse(example[1]); err != nil {
				t.Errorf("example %q for %s: %v", example[1], reader.annotation, err)
			}
		}
	}
}
