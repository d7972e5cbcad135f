package vault_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"claviger/examples/vault-of-documents/vault"
)

const account = "111122223333"

func open(t *testing.T, dir string) vault.Shelf {
	t.Helper()
	s, err := vault.OpenShelf(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestShelf: what was put is there, also for the next process; what was removed
// is gone, and so is what a crash has left half written.
func TestShelf(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	s := open(t, dir)
	for _, text := range []string{"first", "second"} {
		if err := s.Put(account, "a", "d", text); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "incoming", "half"), []byte("wri"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if text, err := s.Document(account, "a", "d"); err != nil || text != "second" {
		t.Errorf("read %q, %v", text, err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "incoming")); err != nil || len(left) != 0 {
		t.Errorf("%d files are left of what was being written: %v", len(left), err)
	}
	if _, err := s.Document(account, "b", "d"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a vault that is not there: %v", err)
	}
	if _, err := s.Document("444455556666", "a", "d"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a vault of somebody else: %v", err)
	}
	if err := s.Remove(account, "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Document(account, "a", "d"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a vault that was removed: %v", err)
	}
	// A vault whose documents were gone when the process died is removed all the same.
	if err := s.Put(account, "a", "d", "third"); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, account, "a", "documents")); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(account, "a"); err == nil {
		_, err = os.Stat(filepath.Join(dir, account, "a"))
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what is left: %v", err)
		}
	} else {
		t.Error(err)
	}
}

// TestNames: names are parts of paths, ARNs and associated data, so that nothing
// may stand in them that means anything there.
func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]bool{
		"a": {true, true}, "board-2": {true, true}, "2": {true, true},
		"A": {false, true}, "a.b": {false, true}, "a_b": {false, true}, "-a": {false, true},
		"": {}, ".": {}, "..": {}, ".a": {}, "a/b": {}, "a\nb": {}, "a\n": {}, "a:b": {}, "a\x00": {}, "é": {}, "a b": {},
		strings.Repeat("a", 63): {true, true}, strings.Repeat("a", 64): {false, true},
		strings.Repeat("a", 128): {false, true}, strings.Repeat("a", 129): {},
	} {
		if got := [2]bool{vault.VaultName(name), vault.DocumentName(name)}; got != want {
			t.Errorf("%q is accepted as %v, want %v", name, got, want)
		}
	}
}
