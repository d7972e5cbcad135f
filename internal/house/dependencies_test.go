package house_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A dependency is one line of docs/dependencies.md.
type dependency struct {
	module  string
	licence string
	reason  string
}

// row matches a line of a table whose first cell is a module in code type.
var row = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|([^|]*)\\|([^|]*)\\|")

func listed(page string) []dependency {
	var list []dependency
	for _, m := range row.FindAllStringSubmatch(page, -1) {
		list = append(list, dependency{m[1], strings.TrimSpace(m[2]), strings.TrimSpace(m[3])})
	}
	return list
}

// permissive are the licences that may be inside the binary, with words by
// which their texts are known.
var permissive = map[string]string{
	"MIT":          "Permission is hereby granted, free of charge",
	"BSD-2-Clause": "Redistribution and use in source and binary forms",
	"BSD-3-Clause": "Neither the name",
	"Apache-2.0":   "Apache License",
	"ISC":          "Permission to use, copy, modify, and",
}

// unlisted finds modules of the binary that have no line, or a licence that may not be in it.
func unlisted(modules []string, list []dependency) []string {
	var found []string
	for _, m := range modules {
		i := slices.IndexFunc(list, func(d dependency) bool { return d.module == m })
		switch {
		case i < 0:
			found = append(found, m+" has no line in docs/dependencies.md")
		case permissive[list[i].licence] == "":
			found = append(found, fmt.Sprintf("%s has the licence %q, which may not be in the binary", m, list[i].licence))
		case list[i].reason == "":
			found = append(found, m+" is listed without a reason")
		}
	}
	return found
}

func TestUnlistedDependenciesAreCaught(t *testing.T) {
	t.Parallel()
	list := listed("| `example.org/a` | MIT | sorts |\n| `example.org/b` | AGPL-3.0 | sorts |\n| `example.org/c` | MIT |  |\n")
	for module, want := range map[string]string{
		"example.org/b": "may not be",
		"example.org/c": "without a reason",
		"example.org/d": "no line",
	} {
		if found := unlisted([]string{module}, list); len(found) != 1 || !strings.Contains(found[0], want) {
			t.Errorf("about %s the rule said %q, want %q", module, found, want)
		}
	}
	if found := unlisted([]string{"example.org/a"}, list); len(found) > 0 {
		t.Errorf("about a good line the rule said %q", found)
	}
}

// Every module in the binary, on every system for which we build it, has a line
// with its reason and its licence, and the licence is the one in its folder.
func TestDependenciesAreListed(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	list := listed(string(page))
	folders := make(map[string]string)
	for _, system := range []string{"linux", "darwin", "windows"} {
		for module, folder := range binaryModules(t, system) {
			folders[module] = folder
		}
	}
	if len(folders) == 0 {
		t.Fatal("the binary has no modules at all")
	}
	for module, folder := range folders {
		for _, sentence := range unlisted([]string{module}, list) {
			t.Error(sentence)
		}
		for _, d := range list {
			if d.module == module && !hasLicence(t, folder, permissive[d.licence]) {
				t.Errorf("%s: no licence file in %s reads as %s", module, folder, d.licence)
			}
		}
	}
}

// Whatever go.mod requires directly has a line, and every line is about a
// module that go.mod requires.
func TestDependenciesAreRequired(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	list := listed(string(page))
	required := regexp.MustCompile(`(?m)^\t(\S+) v\S+( // indirect)?$`).FindAllStringSubmatch(string(mod), -1)
	if len(required) == 0 {
		t.Fatal("go.mod requires nothing")
	}
	for _, m := range required {
		if m[2] == "" && !slices.ContainsFunc(list, func(d dependency) bool { return d.module == m[1] }) {
			t.Errorf("%s is required by go.mod and has no line in docs/dependencies.md", m[1])
		}
	}
	for _, d := range list {
		if !slices.ContainsFunc(required, func(m []string) bool { return m[1] == d.module }) {
			t.Errorf("docs/dependencies.md speaks of %s, which go.mod does not require", d.module)
		}
	}
}

// binaryModules returns the modules whose packages are in the binary for a
// system, with the folder of their source.
func binaryModules(t *testing.T, system string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Module", "./cmd/claviger")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list for %s: %v\n%s", system, err, stderr.String())
	}
	modules := make(map[string]string)
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct{ Module *struct{ Path, Dir string } }
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return modules
		}
		if err != nil {
			t.Fatalf("reading what go list said for %s: %v", system, err)
		}
		if p.Module != nil && p.Module.Path != "claviger" {
			modules[p.Module.Path] = p.Module.Dir
		}
	}
}

// hasLicence reports whether a licence file in folder contains words.
func hasLicence(t *testing.T, folder, words string) bool {
	t.Helper()
	for _, pattern := range []string{"LICEN*", "COPYING*"} {
		names, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err == nil && strings.Contains(strings.Join(strings.Fields(string(text)), " "), words) {
				return true
			}
		}
	}
	return false
}
