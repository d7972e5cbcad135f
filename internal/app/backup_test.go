package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestNames: with hard links and without, of several that want a name one gets it, and
// what has it stays.
func TestNames(t *testing.T) {
	t.Parallel()
	for how, name := range map[string]func(from, to string) error{"with links": nameAnew, "without": takeName} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			to := filepath.Join(dir, "one.backup")
			var all sync.WaitGroup
			var named, refused atomic.Int64
			for _, content := range []string{"a", "b", "c", "d"} {
				from := filepath.Join(dir, content)
				if err := os.WriteFile(from, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				all.Go(func() {
					switch err := name(from, to); {
					case err == nil:
						named.Add(1)
					case errors.Is(err, os.ErrExist):
						refused.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			all.Wait()
			was, err := os.ReadFile(to)
			if err != nil || named.Load() != 1 || refused.Load() != 3 || len(was) != 1 {
				t.Errorf("%d have the name and %d are refused, it says %q, error %v", named.Load(), refused.Load(), was, err)
			}
			// What can't be named leaves nothing behind.
			other := filepath.Join(dir, "other.backup")
			if err := name(filepath.Join(dir, "missing"), other); err == nil {
				t.Error("a file that is not there has a name")
			}
			if _, err := os.Lstat(other); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a name is left of nothing: %v", err)
			}
		})
	}
}

// TestRestoreBeside: what belongs to a server stays where its store is restored, what
// a rotation has kept of its root key too; anything else is not taken for a server's.
func TestRestoreBeside(t *testing.T) {
	t.Parallel()
	l := initialised(t)
	s := serverOf(t, l, unchanged)
	if _, err := s.rootKeys.change(t.Context(), &rootKeyRotateRequest{KeepOld: true}); err != nil {
		t.Fatal(err)
	}
	s.mustClose(t)
	kept, err := filepath.Glob(filepath.Join(l.Data, rootKeyFile+".*"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept are %v, error %v", kept, err)
	}
	if err := os.Remove(filepath.Join(l.Data, "store.db")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(l.Data, "lost+found"), 0o700); err != nil { // it is a file system of its own
		t.Fatal(err)
	}
	c := restoreCommand{location: *l, KeepTrail: true}
	if err := c.prepare(t.Context()); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(l.Data, "notes"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.prepare(t.Context()); err == nil || !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), "there is notes") {
		t.Errorf("beside what belongs to nobody: %v", err)
	}
}
