package watches

import (
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
)

// readText returns a field that must be text and not blank.
func readText(f field, found *problems) (string, bool) {
	if f.value.Kind != yaml.ScalarNode || f.value.ShortTag() != "!!str" || strings.TrimSpace(f.value.Value) == "" {
		found.add(f.line, f.name, "must be text; write it in quotes if it looks like a number or a boolean")
		return "", false
	}
	return f.value.Value, true
}

// readPlaybook returns the absolute path of a playbook, which must exist now: a
// missing one would otherwise show only when the first object changes.
func readPlaybook(f field, folder string, found *problems) string {
	path, ok := readText(f, found)
	if !ok {
		return ""
	}
	if strings.Contains(path, "${") {
		found.add(f.line, f.name, "%q: environment variables are not replaced; write the path", path)
		return ""
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		found.add(f.line, f.name, "there is no playbook %s; write a path relative to the folder of this file", path)
	case !info.Mode().IsRegular():
		found.add(f.line, f.name, "%s is not a file; write the path of a playbook", path)
	}
	return filepath.Clean(path)
}
