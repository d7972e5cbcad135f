package audit_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"claviger/internal/ground/audit"
)

func init() {
	acts["limit"] = func() int {
		if err := underLimit(os.Getenv("AUDIT_TEST_DIR")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
}

// underLimit opens a trail, has the system refuse all larger files from then on,
// and appends what was reserved after the trail takes no more.
func underLimit(dir string) error {
	o, err := processOptions(nil, dir)
	if err != nil {
		return err
	}
	l, err := audit.Open(o)
	if err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4096, Max: 4096}); err != nil {
		return err
	}
	// Segments exist, but the system refuses to write behind 4096 bytes; the log
	// has to fail and must not take that for success.
	taken := 0
	for err == nil && taken < 1000 {
		taken++
		var ticket audit.Ticket
		if ticket, err = l.Append(entries(fmt.Sprint(taken)), nil); err == nil {
			err = ticket.Wait(context.Background())
		}
	}
	if !errors.Is(err, audit.ErrUnavailable) {
		return fmt.Errorf("entry %d: error is %w", taken, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "taken"), fmt.Append(nil, taken-1), 0o600); err != nil {
		return err
	}
	_ = l.Close()
	return nil
}

// The system itself refuses a write in the middle of a frame.
func TestFileSizeLimit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "AUDIT_TEST_ACT=limit", "AUDIT_TEST_DIR="+dir)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "taken"))
	if err != nil {
		t.Fatal(err)
	}
	var taken int
	if _, err := fmt.Sscan(string(b), &taken); err != nil {
		t.Fatal(err)
	}
	o, err := processOptions(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	l := open(t, o)
	got := read(t, l, 1)
	closed(t, l)
	want := count("", taken+1)[1:]
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) || taken < 5 {
		t.Errorf("%d acknowledged, entries are %v", taken, got)
	}
	clean(t, o, nil)
}

// A full file system: what is reserved can still be appended. It needs the
// right to mount one.
func TestFullFileSystem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("mounting a file system: %v", err)
	}
	defer func() {
		// A program that another test starts has this one's files open for a moment.
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	o, err := processOptions(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	l := open(t, o)
	release, err := l.Reserve(2000)
	if err != nil {
		t.Fatal(err)
	}
	want := fill(t, l)
	ticket, err := l.AppendOutbox(1, entries("reserved"))
	if err == nil {
		err = ticket.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	release()
	equal(t, read(t, l, 1), append(want, "reserved")...)
	closed(t, l)
	clean(t, o, nil)
}
