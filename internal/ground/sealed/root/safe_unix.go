//go:build unix

package root

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// openNow opens a file for reading without waiting for a writer if it is a pipe.
func openNow(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// checkSafe refuses a file that somebody else may read, or could have written.
func checkSafe(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is not a regular file", ErrUnsafe, path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%w: others may use %s (mode %04o); run: chmod 0400 %s", ErrUnsafe, path, mode, path)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%w: the owner of %s can't be found out", ErrUnsafe, path)
	}
	return checkOwner(path, stat.Uid, os.Geteuid())
}

// checkOwner accepts ourselves and root.
func checkOwner(path string, owner uint32, self int) error {
	if owner != 0 && int(owner) != self {
		return fmt.Errorf("%w: %s belongs to user %d, but this process runs as user %d; run: chown %d %s", ErrUnsafe, path, owner, self, self, path)
	}
	return nil
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
