package app

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"claviger/internal/kernel/pipeline"
)

var update = flag.Bool("update", false, "print the reference pages anew")

const reference = "../../docs/reference"

// compare fails when a printed page is stale, or prints it anew with -update.
func compare(t *testing.T, name string, page []byte) {
	t.Helper()
	path := filepath.Join(reference, name)
	if *update {
		if err := os.MkdirAll(reference, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, page, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	printed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(printed, page) {
		t.Errorf("%s is stale: run make golden", path)
	}
}

// TestOperationsPage prints the list of all operations from their declarations.
func TestOperationsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var b bytes.Buffer
	b.WriteString("# Operations\n\nPrinted from the declarations by `make golden`; a test fails when this page is stale.\n" +
		"A *use* reads and can't write; a *change* writes in one transaction. Every call of every operation leaves a record.\n")
	for _, s := range w.server.services {
		fmt.Fprintf(&b, "\n## %s\n", s.Name)
		for _, op := range s.Operations {
			entrance := pipeline.Open(s.Source, op)
			gait := "use"
			if op.Writes {
				gait = "change"
			}
			asks := "nothing"
			if !op.AsksNothing {
				asks = code(op.Actions)
			}
			fmt.Fprintf(&b, "\n### %s\n\n- %s; asks %s\n- input: %s\n- output: %s\n- recorded of the input: %s\n",
				op.Name, gait, asks, code(members(op.In)), code(members(op.Out)), code(entrance.RequestMembers()))
			if shown := entrance.ResponseMembers(); op.Recorded && len(shown) > 0 {
				fmt.Fprintf(&b, "- recorded of the output: %s\n", code(shown))
			}
		}
	}
	compare(t, "operations.md", b.Bytes())
}

// members lists the wire names of a shape.
func members(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("aws"), ",")
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

func code(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	quoted := slices.Clone(names)
	for i := range quoted {
		quoted[i] = "`" + quoted[i] + "`"
	}
	return strings.Join(quoted, ", ")
}

// TestConfigurationPage prints every command, flag and environment variable.
func TestConfigurationPage(t *testing.T) {
	t.Parallel()
	var tree commands
	parser, err := newParser(&tree, &environment{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer)}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString("# Configuration\n\nPrinted from the command line by `make golden`; a test fails when this page is stale.\n" +
		"A flag wins over its environment variable. Exit codes: 0, 1 (fault), 2 (usage, or nothing was initialised).\n\n" +
		"The root credentials of the first account are read from the environment only: `CLAVIGER_ROOT_ACCESS_KEY_ID` and\n" +
		"`CLAVIGER_ROOT_SECRET_ACCESS_KEY`, or files named by the same with `_FILE` appended.\n")
	for _, node := range parser.Model.Leaves(true) {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", node.FullPath(), node.Help)
		b.WriteString("| flag | environment | default | meaning |\n| --- | --- | --- | --- |\n")
		for _, group := range node.AllFlags(true) {
			for _, f := range group {
				if f.Name == "help" {
					continue
				}
				environment := ""
				if len(f.Envs) > 0 {
					environment = "`" + f.Envs[0] + "`"
				}
				fmt.Fprintf(&b, "| `--%s` | %s | %s | %s |\n", f.Name, environment, f.Default, f.Help)
			}
		}
	}
	compare(t, "configuration.md", b.Bytes())
}
