package house_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The patterns are spelled so that this file does not match itself.
var (
	marks = regexp.MustCompile(`\b(F[I]XME|X[X]X|HAC[K])\b`)
	todo  = regexp.MustCompile(`\bTOD[O]\b(\(#[0-9]+\): \S)?`)
	// foreign are words of the workshop, not of the work.
	foreign = regexp.MustCompile(`(?i)/work[/]|/tmp/bash[_]jobs|\bsub-?agen[t]|\bthis sessio[n]\b`)
)

func TestNoLeftoverMarks(t *testing.T) {
	hold(t, rule{
		check: leftoverMarks,
		bad: []example{
			bad("a.go:2", "internal/words/arn/a.go", "package arn\n// FIX"+"ME later"),
			bad("a.go:2", "internal/words/arn/a.go", "package arn\n// TO"+"DO later"),
			bad("a.go:2", "internal/words/arn/a.go", "package arn\n// TO"+"DO(me): later"),
			bad("a.md:1", "docs/a.md", "HA"+"CK"),
			bad("run:3", ".ci/run", "#!/bin/sh\n\n# XX"+"X"),
		},
		good: []example{
			good("internal/words/arn/a.go", "package arn\n// TO"+"DO(#12): later"),
			good("internal/words/arn/a.go", "package arn\n// context.TO"+"DOS, XXXX"),
		},
	})
}

func leftoverMarks(t tree) []string {
	return eachLine(t, []string{"fix" + "me", "xx" + "x", "ha" + "ck", "to" + "do"}, func(line string) string {
		if mark := marks.FindString(line); mark != "" {
			return "leaves " + mark + " behind"
		}
		for _, m := range todo.FindAllStringSubmatch(line, -1) {
			if m[1] == "" && !strings.Contains(line, "context."+m[0]) && !strings.Contains(line, `"`+m[0]+`"`) {
				return "leaves a mark without the number of an issue behind"
			}
		}
		return ""
	})
}

func TestNoWordsOfTheWorkshop(t *testing.T) {
	hold(t, rule{
		check: func(t tree) []string {
			return eachLine(t, []string{"/wor" + "k/", "/bash" + "_jobs", "agen" + "t", "sessi" + "on"}, func(line string) string {
				if word := foreign.FindString(line); word != "" {
					return fmt.Sprintf("says %q, which is nothing of the project's", word)
				}
				return ""
			})
		},
		bad: []example{
			bad("a.go:2", "internal/words/arn/a.go", "package arn\n// see /wor"+"k/main"),
			bad("a.md:1", "docs/a.md", "in thi"+"s session"),
			bad("a.md:1", "docs/a.md", "by a Sub"+"agent"),
		},
		good: []example{
			good("docs/a.md", "the work/life of a session"),
		},
	})
}

// eachLine asks about every line of every file that has one of the hints, which
// are in lower case: looking for plain words first is much faster. The sums of
// modules and the data of tests are left alone.
func eachLine(t tree, hints []string, ask func(line string) string) []string {
	var found []string
	for _, f := range t {
		if path.Ext(f.path) == ".sum" || slices.Contains(strings.Split(f.path, "/"), "testdata") {
			continue
		}
		lower := strings.ToLower(f.text)
		if !slices.ContainsFunc(hints, func(hint string) bool { return strings.Contains(lower, hint) }) {
			continue
		}
		n := 0
		for line := range strings.Lines(f.text) {
			n++
			if said := ask(line); said != "" {
				found = append(found, fmt.Sprintf("%s:%d %s", f.path, n, said))
			}
		}
	}
	return found
}
