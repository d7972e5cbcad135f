//go:build unix

package root

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// pipe returns the number of a descriptor from which content can be read.
func pipe(t *testing.T, content string) int {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Dup(int(r.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// TestPassphraseFD runs alone: descriptors' numbers belong to the process.
func TestPassphraseFD(t *testing.T) {
	read := func(fd int) (string, error) {
		s, err := Parse("passphrase-fd:"+strconv.Itoa(fd), nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.passphrase(false)
		return string(b), err
	}
	fd := pipe(t, "correct horse\n")
	if got, err := read(fd); got != "correct horse" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := read(fd); !errors.Is(err, ErrMissing) {
		t.Errorf("read to its end before: %v", err)
	}
	if _, err := read(pipe(t, "")); !errors.Is(err, ErrMissing) {
		t.Errorf("nothing to read: %v", err)
	}
	if _, err := read(pipe(t, strings.Repeat("x", 5000))); err == nil {
		t.Error("5000 bytes were taken")
	}
	if _, err := read(60000); !errors.Is(err, ErrMissing) {
		t.Errorf("no such descriptor: %v", err)
	}
}

// Where no descriptor was handed over, its number is that of a file that the process has
// opened: the runtime's, or the store's.
func TestOwnFD(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "own"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("max 100000\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	s, err := Parse("passphrase-fd:"+strconv.Itoa(int(f.Fd())), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := s.passphrase(true); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "was not handed to this process") {
		t.Errorf("the passphrase is %q, %v", b, err)
	}
	if _, err := f.WriteString("it is open still\n"); err != nil {
		t.Error(err)
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		owner uint32
		self  int
		safe  bool
	}{{0, 0, true}, {1000, 1000, true}, {0, 1000, true}, {1000, 0, false}, {1001, 1000, false}} {
		if err := checkOwner("root.key", c.owner, c.self); (err == nil) != c.safe || err != nil && !errors.Is(err, ErrUnsafe) {
			t.Errorf("file of %d, process of %d: %v", c.owner, c.self, err)
		}
	}
}
