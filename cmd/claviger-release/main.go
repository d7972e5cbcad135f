// Command claviger-release builds the archives of a release: one for each system,
// with the sums of all. Whoever builds the same revision with the same version of
// Go gets the same bytes, wherever the source lies.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// targets are the systems that are built for.
var targets = []string{"darwin/amd64", "darwin/arm64", "linux/amd64", "linux/arm64", "windows/amd64", "windows/arm64"}

// papers are the files that go with every binary, and service those that go with
// one that systemd can run.
var (
	papers  = []string{"LICENSE", "README.md"}
	service = []string{"packaging/claviger.service", "packaging/claviger.sysusers"}
)

func main() {
	version := flag.String("version", "", "what the release is called; by default what git describe says")
	out := flag.String("out", "dist", "where the archives are written")
	only := flag.String("only", strings.Join(targets, ","), "systems to build for")
	flag.Parse()
	if err := run(*version, *out, strings.Split(*only, ",")); err != nil {
		fmt.Fprintf(os.Stderr, "claviger-release: %v\n", err)
		os.Exit(1)
	}
}

func run(version, out string, systems []string) error {
	made, err := moment()
	if err != nil {
		return err
	}
	if version == "" {
		if version, err = output("git", "describe", "--tags", "--always", "--dirty"); err != nil {
			return errors.New("git can't describe the source: name the version with -version")
		}
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	var sums []string
	for _, system := range systems {
		if !slices.Contains(targets, system) {
			return fmt.Errorf("there is no system %s: there are %s", system, strings.Join(targets, ", "))
		}
		name, archive, err := build(version, system, made)
		if err != nil {
			return fmt.Errorf("building for %s: %w", system, err)
		}
		if err := os.WriteFile(filepath.Join(out, name), archive, 0o644); err != nil {
			return err
		}
		sums = append(sums, fmt.Sprintf("%x  %s\n", sha256.Sum256(archive), name))
		fmt.Print(sums[len(sums)-1])
	}
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), []byte(strings.Join(sums, "")), 0o644)
}

// moment is the time that files in archives have: SOURCE_DATE_EPOCH, else that of
// the commit. https://reproducible-builds.org/specs/source-date-epoch/
func moment() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		var err error
		if text, err = output("git", "log", "-1", "--format=%ct"); err != nil {
			return time.Time{}, errors.New("git can't tell the time of the commit: set SOURCE_DATE_EPOCH")
		}
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("the time of the source: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

func output(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).Output()
	return strings.TrimSpace(string(out)), err
}

// A file of an archive.
type file struct {
	name       string
	content    []byte
	executable bool
}

// build returns the archive for a system, and its name.
func build(version, system string, made time.Time) (name string, archive []byte, err error) {
	goos, goarch, _ := strings.Cut(system, "/")
	folder := fmt.Sprintf("claviger_%s_%s_%s", version, goos, goarch)
	binary, err := compile(version, goos, goarch)
	if err != nil {
		return "", nil, err
	}
	program := "claviger"
	if goos == "windows" {
		program += ".exe"
	}
	files := []file{{folder + "/" + program, binary, true}}
	list := papers
	if goos == "linux" {
		list = slices.Concat(papers, service)
	}
	for _, path := range list {
		content, err := os.ReadFile(path)
		if err != nil {
			return "", nil, err
		}
		files = append(files, file{folder + "/" + filepath.Base(path), content, false})
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	var b bytes.Buffer
	if goos == "windows" {
		err = zipped(&b, files, made)
		return folder + ".zip", b.Bytes(), err
	}
	err = tarred(&b, files, made)
	return folder + ".tar.gz", b.Bytes(), err
}

// compile builds the binary as the Makefile does, without symbols and without
// anything of this machine inside.
func compile(version, goos, goarch string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "claviger-release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "claviger")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=auto", "-mod=readonly",
		"-ldflags=-s -w -buildid= -X claviger/internal/app.Version="+version, "-o", path, "./cmd/claviger")
	if cmd.Env, err = environment(goos, goarch); err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// fetching are the settings that say where modules come from and where they are
// kept: of a machine they are all that a build may depend on.
var fetching = []string{"GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE", "GOMODCACHE", "GOCACHE", "GOTOOLCHAIN"}

// environment is that of a build. An empty variable would stand for what the
// builder has set with go env -w, so that file is not read at all.
func environment(goos, goarch string) ([]string, error) {
	list := append(os.Environ(), "GOENV=off", "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch,
		"GOFLAGS=", "GOFIPS140=", "GOEXPERIMENT=", "GOWORK=off", "GOAMD64=v1", "GOARM64=v8.0")
	for _, name := range fetching {
		value, err := output("go", "env", name)
		if err != nil {
			return nil, fmt.Errorf("asking for %s: %w", name, err)
		}
		list = append(list, name+"="+value)
	}
	return list, nil
}

func tarred(w io.Writer, files []file, made time.Time) error {
	compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressed)
	for _, f := range files {
		header := &tar.Header{Format: tar.FormatUSTAR, Name: f.name, Mode: mode(f), Size: int64(len(f.content)), ModTime: made, Typeflag: tar.TypeReg}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(f.content); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), compressed.Close())
}

func zipped(w io.Writer, files []file, made time.Time) error {
	archive := zip.NewWriter(w)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: made}
		header.SetMode(os.FileMode(mode(f)))
		part, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := part.Write(f.content); err != nil {
			return err
		}
	}
	return archive.Close()
}

func mode(f file) int64 {
	if f.executable {
		return 0o755
	}
	return 0o644
}
