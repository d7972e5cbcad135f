package audit_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"claviger/internal/ground/audit"
)

// TestVerifyPipe: a pipe with a segment's name has nobody wait for its other end.
func TestVerifyPipe(t *testing.T) {
	t.Parallel()
	o := options()
	o.Dir = t.TempDir()
	closed(t, open(t, o))
	pipe := filepath.Join(o.Dir, audit.SegmentName(2))
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	done := beside(func() error {
		r, err := audit.Verify(t.Context(), o, nil)
		if err == nil && !strings.Contains(strings.Join(r.Problems, "\n"), "segment 2, offset 0: no regular file") {
			t.Errorf("report is %+v", r)
		}
		return err
	})
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		other, err := os.OpenFile(pipe, os.O_RDWR, 0)
		if err == nil {
			_ = other.Close() // so that it goes on, and the test ends
		}
		t.Error("it waits")
	}
}
