//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"claviger/internal/ground/store/driver"
)

// A lock is held by whoever has the database open. The kernel drops it with the
// process, so that a crash leaves nothing to clean up.
type lock struct{ file *os.File }

func acquire(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, errors.Join(driver.ErrLocked, f.Close())
	case err != nil:
		return nil, errors.Join(driver.ErrUnavailable, err, f.Close())
	}
	return &lock{f}, nil
}

// release does not leave it to the file's end to give the lock up: a program that
// this process is starting has the file open, too, until it begins.
func (l *lock) release() error {
	return errors.Join(unix.Flock(int(l.file.Fd()), unix.LOCK_UN), l.file.Close())
}

// syncDirectory makes the entries of a directory durable.
func syncDirectory(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
