//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package audit

import (
	"syscall"
	"testing"
)

// TestLockIsGivenUp: a Log that was closed has the lock of its directory no more,
// although a program that is being started has the lock's file open still.
func TestLockIsGivenUp(t *testing.T) {
	t.Parallel()
	d := directory(t.TempDir())
	for range 2 {
		held, err := d.lock()
		if err != nil {
			t.Fatal(err)
		}
		inherited, err := syscall.Dup(int(held.(dirLock).f.Fd())) // as fork has it
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(inherited)
		if err := held.Close(); err != nil {
			t.Error(err)
		}
		if running, err := d.locked(); running || err != nil {
			t.Errorf("a log is said to be running: %v, error %v", running, err)
		}
	}
}
