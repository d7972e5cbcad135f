//go:build unix

package sqlite

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLockIsGivenUp: whoever has the database open no more has its lock no more,
// although a program that is being started has the lock's file open still.
func TestLockIsGivenUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), lockName)
	for range 2 {
		l, err := acquire(path)
		if err != nil {
			t.Fatal(err)
		}
		inherited, err := unix.Dup(int(l.file.Fd())) // as fork has it
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(inherited)
		if err := l.release(); err != nil {
			t.Error(err)
		}
	}
}
