//go:build unix

package root_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"claviger/internal/ground/sealed/root"
)

func TestFileMode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "root.key")
	if _, _, err := parse(t, "file:"+path).Create(t.Context(), installation); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o400 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestUnsafeMode(t *testing.T) {
	t.Parallel()
	safe := map[fs.FileMode]bool{0o400: true, 0o600: true, 0o500: true}
	for _, mode := range []fs.FileMode{0o400, 0o500, 0o600, 0o440, 0o404, 0o420, 0o402, 0o410, 0o401, 0o640, 0o644, 0o777} {
		for kind, content := range map[string]string{"file:": strings.Repeat("k", 32), "passphrase-file:": ""} {
			path := write(t, "secret", []byte(content), mode)
			_, err := parse(t, kind+path).Open(t.Context(), installation, []byte(map[string]string{
				"file:":            fileParams,
				"passphrase-file:": `{"version":1,"source":"passphrase","kdf":"argon2id","memoryKiB":65536,"passes":3,"lanes":1,` + salt + `}`,
			}[kind]))
			if errors.Is(err, root.ErrUnsafe) == safe[mode] {
				t.Errorf("%s mode %o: %v", kind, mode, err)
			}
			if !safe[mode] && !strings.Contains(fmt.Sprint(err), "chmod 0400 "+path) {
				t.Errorf("the operator is not told what to do: %v", err)
			}
		}
	}
}

func TestNoRegularFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o400); err != nil {
		t.Skip(err)
	}
	// That this returns at all is half of the test.
	if _, err := parse(t, "file:"+path).Open(t.Context(), installation, []byte(fileParams)); !errors.Is(err, root.ErrUnsafe) {
		t.Error(err)
	}
}

func TestForeignOwner(t *testing.T) {
	t.Parallel()
	path := write(t, "root.key", make([]byte, 32), 0o400)
	if err := os.Chown(path, 12345, -1); err != nil {
		t.Skip("only root can give files away:", err)
	}
	_, err := parse(t, "file:"+path).Open(t.Context(), installation, []byte(fileParams))
	if !errors.Is(err, root.ErrUnsafe) || !strings.Contains(err.Error(), "chown") {
		t.Error(err)
	}
}

// TestLink opens a key behind a symbolic link: it is the file that is judged.
func TestLink(t *testing.T) {
	t.Parallel()
	for mode, want := range map[fs.FileMode]bool{0o400: true, 0o444: false} {
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(write(t, "root.key", make([]byte, 32), mode), link); err != nil {
			t.Fatal(err)
		}
		if _, err := parse(t, "file:"+link).Open(t.Context(), installation, []byte(fileParams)); (err == nil) != want {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	dangling := filepath.Join(t.TempDir(), "link")
	target := filepath.Join(t.TempDir(), "target")
	if err := os.Symlink(target, dangling); err != nil {
		t.Fatal(err)
	}
	if _, _, err := parse(t, "file:"+dangling).Create(t.Context(), installation); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created through a link: %v", err)
	}
}

// TestReadPrivate: other secret files are read under the same rules, in words
// that do not speak of the root key.
func TestReadPrivate(t *testing.T) {
	t.Parallel()
	for mode, safe := range map[fs.FileMode]bool{0o400: true, 0o600: true, 0o640: false, 0o604: false} {
		path := write(t, "tls.key", []byte("12345"), mode)
		b, err := root.ReadPrivate(path, 3)
		if errors.Is(err, root.ErrUnsafe) == safe || safe && string(b) != "1234" {
			t.Errorf("mode %o: %q, %v", mode, b, err)
		}
		if !safe && !strings.Contains(err.Error(), "chmod 0400 "+path) {
			t.Errorf("the operator is not told what to do: %v", err)
		}
	}
	for _, path := range []string{filepath.Join(t.TempDir(), "none"), t.TempDir()} {
		if _, err := root.ReadPrivate(path, 3); err == nil || strings.Contains(err.Error(), "root key") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
