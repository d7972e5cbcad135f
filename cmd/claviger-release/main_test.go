package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	content = []file{{"claviger_1/LICENSE", []byte("licence\n"), false}, {"claviger_1/claviger", []byte("binary\n"), true}}
	made    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// TestArchives: archives hold the files with their modes and the time of the
// source, belong to nobody, and are the same bytes whenever they are made.
func TestArchives(t *testing.T) {
	t.Parallel()
	var a, b, c bytes.Buffer
	if err := errors.Join(tarred(&a, content, made), tarred(&b, content, made), zipped(&c, content, made)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("an archive made twice differs")
	}
	unpacked, err := gzip.NewReader(&a)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(unpacked)
	for _, want := range content {
		h, err := archive.Next()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(archive)
		if err != nil || h.Name != want.name || h.Mode != mode(want) || !h.ModTime.Equal(made) || h.Uid != 0 || h.Uname != "" || !bytes.Equal(got, want.content) {
			t.Errorf("%+v with %q: %v", h, got, err)
		}
	}
	if _, err := archive.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("there is more: %v", err)
	}
	z, err := zip.NewReader(bytes.NewReader(c.Bytes()), int64(c.Len()))
	if err != nil || len(z.File) != len(content) {
		t.Fatalf("%v", err)
	}
	for i, f := range z.File {
		if f.Name != content[i].name || f.Mode().Perm() != os.FileMode(mode(content[i])) || !f.Modified.Equal(made) {
			t.Errorf("%+v", f.FileHeader)
		}
	}
}

// TestMoment: the time comes from the environment, and nonsense is refused.
func TestMoment(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1772366400")
	if got, err := moment(); err != nil || !got.Equal(made) {
		t.Errorf("%s: %v", got, err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "noon")
	if _, err := moment(); err == nil {
		t.Error("took noon for a number of seconds")
	}
	if err := run("1", t.TempDir(), []string{"plan9/mips"}); err == nil {
		t.Error("built for a system that there is not")
	}
}

// TestEnvironment: what a builder has set for Go changes nothing that is built.
func TestEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(file, []byte("GOFLAGS=-tags=pkcs11\nGOFIPS140=v1.0.0\nGOEXPERIMENT=jsonv2\nGOPROXY=https://proxy.example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOENV", file)
	for _, name := range []string{"GOFLAGS", "GOFIPS140", "GOEXPERIMENT", "GOPROXY"} {
		t.Setenv(name, "")
	}
	list, err := environment("linux", "arm64")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "env", "GOFLAGS", "GOFIPS140", "GOEXPERIMENT", "GOPROXY", "GOARCH")
	cmd.Env = list
	if out, err := cmd.Output(); err != nil || string(out) != "\noff\n\nhttps://proxy.example.com\narm64\n" {
		t.Errorf("%v: %q", err, out)
	}
}

// TestReproducible builds the release in two directories and compares it byte by
// byte: all systems in long runs, else not at all, since that takes minutes.
func TestReproducible(t *testing.T) {
	t.Parallel()
	if os.Getenv("CLAVIGER_LONG") == "" {
		t.Skip("takes minutes: CLAVIGER_LONG=1 runs it")
	}
	source, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var sums [2]string
	var outs [2]string
	from := source
	for i := range sums {
		dir := filepath.Join(t.TempDir(), strings.Repeat("deeper/", i)+"source")
		if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
			t.Fatal(err)
		}
		// The second is a clone of the first: somebody may commit meanwhile.
		program(t, from, "git", "clone", "--quiet", "--no-hardlinks", ".", dir)
		from = dir
		outs[i] = filepath.Join(dir, "dist")
		program(t, dir, "go", "run", "./cmd/claviger-release", "-version", "1.2.3", "-out", outs[i])
		b, err := os.ReadFile(filepath.Join(outs[i], "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = string(b)
	}
	if sums[0] != sums[1] || strings.Count(sums[0], "\n") != len(targets) {
		t.Fatalf("two builds differ:\n%s\n%s", sums[0], sums[1])
	}
	for line := range strings.Lines(sums[0]) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		b, err := os.ReadFile(filepath.Join(outs[0], name))
		if err != nil || fmt.Sprintf("%x", sha256.Sum256(b)) != sum {
			t.Errorf("%s is not what its sum says: %v", name, err)
		}
		if strings.HasSuffix(name, ".tar.gz") {
			if binary := unpack(t, b); bytes.Contains(binary, []byte(outs[0][:len(outs[0])-len("/dist")])) {
				t.Errorf("%s tells where it was built", name)
			}
		}
	}
}

// unpack returns the binary of an archive, which knows its revision.
func unpack(t *testing.T, b []byte) []byte {
	t.Helper()
	unpacked, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(unpacked)
	for {
		h, err := archive.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(h.Name, "/claviger") {
			continue
		}
		binary, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		info, err := buildinfo.Read(bytes.NewReader(binary))
		if err != nil || !strings.Contains(info.String(), "vcs.revision=") {
			t.Errorf("%s does not know its revision: %v", h.Name, err)
		}
		return binary
	}
}

func program(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
