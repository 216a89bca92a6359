package main

import (
	"fmt"
	"net/url"
	"os"
	"strings"
)

// debianPackages reads dpkg's status file: paragraphs of "Field: value".
func debianPackages(path string) ([]part, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var parts []part
	for _, paragraph := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		fields := map[string]string{}
		for _, line := range strings.Split(paragraph, "\n") {
			// A line that begins with a blank goes on with the one before.
			if name, value, found := strings.Cut(line, ": "); found && !strings.HasPrefix(name, " ") {
				fields[name] = value
			}
		}
		if fields["Status"] != "install ok installed" {
			continue
		}
		name, version := fields["Package"], fields["Version"]
		parts = append(parts, part{name, version, fmt.Sprintf("pkg:deb/debian/%s@%s?arch=%s&distro=debian-12",
			url.PathEscape(name), url.QueryEscape(version), fields["Architecture"])})
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("%s names no installed package", path)
	}
	return parts, nil
}
