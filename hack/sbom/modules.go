package main

import (
	"debug/buildinfo"
	"fmt"
	"strings"
)

// goModules reads what `go version -m` shows of a program.
func goModules(program string) ([]part, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	version := strings.TrimPrefix(info.GoVersion, "go")
	parts := []part{{"stdlib", version, "pkg:golang/stdlib@" + version}}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		parts = append(parts, part{module.Path, module.Version, "pkg:golang/" + module.Path + "@" + module.Version})
	}
	return parts, nil
}
