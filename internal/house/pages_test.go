package house_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// front are the pages that a reader meets first.
var front = []string{"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "LICENSE", "docs/dependencies.md"}

func TestFrontPagesExist(t *testing.T) {
	hold(t, rule{
		check: func(t tree) []string {
			var found []string
			for _, page := range front {
				if !t.has(page) {
					found = append(found, page+" is missing")
				}
			}
			return found
		},
		bad: []example{
			bad("CONTRIBUTING.md", "README.md", "", "ARCHITECTURE.md", "", "LICENSE", "", "docs/dependencies.md", ""),
		},
	})
}

// link matches where a Markdown link leads; mention a path of our documents in running text.
var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	mention = regexp.MustCompile("(?:^|[\\s(`\"])(docs/[A-Za-z0-9_./-]*[A-Za-z0-9_/])")
)

func TestPagesLeadSomewhere(t *testing.T) {
	hold(t, rule{
		check: deadLinks,
		bad: []example{
			bad("docs/none.md", "README.md", "see [there](docs/none.md)"),
			bad("docs/none.md", "README.md", "see `docs/none.md`."),
			bad("docs/none.md", "docs/a.md", "see [there](none.md)"),
			bad("docs/none.md", "internal/words/arn/a.go", "// Package arn is described in docs/none.md.\npackage arn"),
		},
		good: []example{
			good("README.md", "see [there](docs/a.md#part), [outside](https://example.org/docs/b.md), [here](#part), docs/ and docs/a.md.", "docs/a.md", "[up](../README.md)"),
			good("docs/decisions/0001.md", "[back](../a.md) [folder](../decisions)", "docs/a.md", ""),
		},
	})
}

// deadLinks finds links between pages, and mentions of pages in pages and
// comments, that lead nowhere.
func deadLinks(t tree) []string {
	var found []string
	for _, f := range t {
		if strings.HasPrefix(f.path, "internal/house/") || slices.Contains(strings.Split(f.path, "/"), "testdata") {
			continue
		}
		for _, target := range f.targets() {
			if !t.has(target) {
				found = append(found, fmt.Sprintf("%s leads to %s, which does not exist", f.path, target))
			}
		}
	}
	return found
}

// targets returns the paths, from the root, to which f refers.
func (f *file) targets() []string {
	targets := make(map[string]bool)
	if path.Ext(f.path) == ".md" {
		for _, m := range link.FindAllStringSubmatch(f.text, -1) {
			where, _, _ := strings.Cut(m[1], "#")
			if where != "" && !strings.Contains(where, ":") {
				targets[path.Join(path.Dir(f.path), where)] = true
			}
		}
	}
	text := f.text
	if !strings.Contains(text, "docs/") {
		text = "" // most files, and the search below is slow
	}
	for _, m := range mention.FindAllStringSubmatch(text, -1) {
		// A template such as docs/decisions/NNNN-… is not a path.
		if !strings.Contains(m[1], "NNNN") {
			targets[path.Clean(m[1])] = true
		}
	}
	var list []string
	for target := range targets {
		list = append(list, target)
	}
	return list
}

// has reports whether t has a file at a path, or below it.
func (t tree) has(name string) bool {
	return slices.ContainsFunc(t, func(f *file) bool {
		return f.path == name || strings.HasPrefix(f.path, name+"/")
	})
}

var (
	makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
	// promised matches a command in code type, or one on a line of its own.
	promised = regexp.MustCompile("(?m)(?:`make ([a-z][a-z-]*)[` ]|^make ([a-z][a-z-]*)(?:$| +#))")
)

func TestPromisedTargetsExist(t *testing.T) {
	hold(t, rule{
		check: brokenPromises,
		bad: []example{
			bad("make fly", "README.md", "try `make fly`", "Makefile", "run: build\n"),
			bad("make fly", "docs/a.md", "```sh\nmake fly   # now\n```", "Makefile", "run: build\n"),
			bad("11 targets", "Makefile", "a:\nb:\nc:\nd:\ne:\nf:\ng:\nh:\ni:\nj:\nk:\n"),
		},
		good: []example{
			good("README.md", "We make sure that\nmake sure is no command and `make run` is.", "Makefile", "run: build\n\tmake it\n"),
		},
	})
}

// brokenPromises finds pages that promise a target which the Makefile does not
// have, and a Makefile that has too many to remember.
func brokenPromises(t tree) []string {
	targets := make(map[string]bool)
	for _, f := range t {
		if f.path == "Makefile" {
			for _, m := range makeTarget.FindAllStringSubmatch(f.text, -1) {
				targets[m[1]] = true
			}
		}
	}
	var found []string
	if len(targets) > 10 {
		found = append(found, fmt.Sprintf("Makefile has %d targets: no more than ten can be remembered", len(targets)))
	}
	for _, f := range t {
		if path.Ext(f.path) != ".md" {
			continue
		}
		for _, m := range promised.FindAllStringSubmatch(f.text, -1) {
			if target := m[1] + m[2]; !targets[target] {
				found = append(found, fmt.Sprintf("%s promises make %s, which the Makefile does not have", f.path, target))
			}
		}
	}
	return found
}
