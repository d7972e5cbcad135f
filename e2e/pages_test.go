package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"claviger/internal/ground/store/postgres/postgrestest"
)

// A block is what stands between two fences of a page.
type block struct {
	line int
	kind string // what stands behind the opening fence
	text string
}

// blocks finds the fenced blocks of a page.
func blocks(page string) (list []block) {
	inside := false
	number := 0
	for line := range strings.Lines(page) {
		number++
		kind, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && !inside:
			list = append(list, block{line: number, kind: strings.TrimSpace(kind)})
			inside = true
		case fence:
			inside = false
		case inside:
			list[len(list)-1].text += line
		}
	}
	return list
}

// programs are what pages may use beside claviger and what every system has. A page
// is skipped where one of them is missing.
var programs = []string{"aws", "curl", "openssl", "psql", "createdb", "createuser", "dropdb", "pg_dump", "pg_restore", "jq", "python3"}

// TestPages runs the commands of every page about operating: the blocks marked
// sh, in order, in one shell that ends with the first that fails, in an empty
// directory. What is marked otherwise is for reading, and listed.
func TestPages(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../docs/operating/*.md")
	if err != nil || len(pages) < 8 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	ran := 0
	for _, path := range pages {
		// One after another: two pages may use the same port.
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			script := "set -eu\n"
			shown := 0
			for _, b := range blocks(string(text)) {
				if b.kind != "sh" {
					t.Logf("for reading: the block in line %d, marked %q", b.line, b.kind)
					continue
				}
				shown++
				script += fmt.Sprintf("echo '== line %d' >&2\n%s\n", b.line, b.text)
			}
			if shown > 0 {
				runPage(t, script)
				ran += shown
			}
		})
	}
	t.Logf("%d blocks were run", ran)
}

// runPage runs a script as somebody would who pastes it into a new directory.
func runPage(t *testing.T, script string) {
	t.Helper()
	env := environment("PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"), "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
	words := strings.FieldsFunc(script, func(r rune) bool { return strings.ContainsRune(" \t\n;|&()$`\"'", r) })
	for _, program := range programs {
		for _, word := range words {
			if word != program {
				continue
			}
			if _, err := exec.LookPath(program); err != nil {
				t.Skipf("%s is not installed", program)
			}
		}
	}
	if strings.Contains(script, "psql ") || strings.Contains(script, "createdb ") {
		database := postgrestest.Start(t)
		socket, _ := postgrestest.Parts(database.URL(t))
		env = append(env, "PGHOST="+socket, "PGUSER=postgres")
	}
	dir := t.TempDir()
	env = append(env, "HOME="+dir)
	output, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", script)
	cmd.Dir, cmd.Env = dir, env
	cmd.Stdout, cmd.Stderr = output, output // a file: what runs on in the background would keep a pipe open
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// What a page has started and not stopped ends with it, also where it fails.
	defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }()
	if err := cmd.Wait(); err != nil {
		said, _ := os.ReadFile(output.Name())
		logs := ""
		if log, err := os.ReadFile(filepath.Join(dir, "server.log")); !errors.Is(err, os.ErrNotExist) {
			logs = "\nserver.log:\n" + string(log)
		}
		t.Errorf("the commands fail: %v\n%s%s", err, said, logs)
	}
}

// TestBlocks: the pages are read as they are shown.
func TestBlocks(t *testing.T) {
	t.Parallel()
	got := blocks("text\n```sh\none\ntwo\n```\n\n```console\n$ three\n```\n```\nfour\n```\n")
	want := []block{{2, "sh", "one\ntwo\n"}, {7, "console", "$ three\n"}, {10, "", "four\n"}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("found %+v, want %+v", got, want)
	}
}
