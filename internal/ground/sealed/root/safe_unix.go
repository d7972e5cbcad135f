//go:build unix

package root

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
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
	if mode := info.Mode().Perm(); mode&0o077 != 0 && !lent(path, os.Getenv("CREDENTIALS_DIRECTORY"), info) {
		return fmt.Errorf("%w: others may use %s (mode %04o); run: chmod 0400 %s", ErrUnsafe, path, mode, path)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%w: the owner of %s can't be found out", ErrUnsafe, path)
	}
	return checkOwner(path, stat.Uid, os.Geteuid())
}

// lent reports whether a file is a credential that systemd lends to this process
// alone, in a directory of its own. Where its file system has access control
// lists, such a file belongs to root and names the user of the service in one,
// whose mask shows as the group's bits of the mode.
// https://systemd.io/CREDENTIALS/
func lent(path, directory string, info fs.FileInfo) bool {
	if directory == "" || filepath.Dir(path) != filepath.Clean(directory) || info.Mode().Perm() != 0o440 {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == 0
}

// checkOwner accepts ourselves and root.
func checkOwner(path string, owner uint32, self int) error {
	if owner != 0 && int(owner) != self {
		return fmt.Errorf("%w: %s belongs to user %d, but this process runs as user %d; run: chown %d %s", ErrUnsafe, path, owner, self, self, path)
	}
	return nil
}

// handedOver reports whether a file descriptor comes from whoever started this process. Those
// that the process opens itself are closed on exec(2), and none of these came through one. Such
// a file stands where none was handed over: with number 3 it is one of the Go runtime's, with
// the limits of the control group in it, and everybody knows that passphrase.
func handedOver(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
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
