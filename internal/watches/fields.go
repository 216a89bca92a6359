package watches

import (
	"slices"

	"gopkg.in/yaml.v3"
)

// unsupported says what to do about the fields of ansible-operator that are not
// supported.
var unsupported = map[string]string{
	"role":                        "roles are not run by themselves; write playbook, with a playbook that uses the role",
	"vars":                        "a playbook gets its variables from the custom resource and from nowhere else; remove it, and write constants in the playbook",
	"selector":                    "every object of the kind is watched; remove it",
	"blacklist":                   "what a playbook makes is not watched, so nothing needs to be left out; remove it",
	"watchDependentResources":     "what a playbook makes is not watched; remove it",
	"watchClusterScopedResources": "what a playbook makes is not watched; remove it",
	"watchAnnotationsChanges":     "a change of annotations starts no run; remove it",
	"snakeCaseParameters":         "the names of variables are those of the documented schema; remove it",
	"markUnsafe":                  "no text of a custom resource reaches a playbook, so there is nothing to mark; remove it",
	"maxRunnerArtifacts":          "ansible-runner is not used and leaves no artifacts; remove it",
	"finalizer.role":              "roles are not run by themselves; write playbook, with a playbook that uses the role",
	"finalizer.vars":              "a playbook gets its variables from the custom resource and from nowhere else; write playbook, with a playbook for the end",
}

// field is one entry of a mapping.
type field struct {
	// name is the path within the watch, "finalizer.name".
	name  string
	line  int
	value *yaml.Node
}

// readFields returns the fields of a mapping by name and reports those that are
// not among the supported ones.
func readFields(mapping *yaml.Node, prefix string, supported []string, found *problems) map[string]field {
	fields := map[string]field{}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		name := prefix + key.Value
		advice, known := unsupported[name]
		first, twice := fields[name]
		switch {
		case known:
			found.add(key.Line, name, "not supported: %s", advice)
		case !slices.Contains(supported, name):
			found.add(key.Line, name, "not a field that is known; write one of %q", supported)
		case twice:
			found.add(key.Line, name, "written already in line %d; remove one of the two", first.line)
		default:
			fields[name] = field{name: name, line: key.Line, value: value}
		}
	}
	return fields
}

// required returns a field and reports it where it is missing.
func required(fields map[string]field, name string, line int, found *problems) (field, bool) {
	f, ok := fields[name]
	if !ok {
		found.add(line, name, "missing; it is required")
	}
	return f, ok
}
