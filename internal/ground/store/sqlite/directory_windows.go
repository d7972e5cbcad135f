package sqlite

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/windows"

	"claviger/internal/ground/store/driver"
)

// A lock is held by whoever has the database open. The system drops it with the
// process, so that a crash leaves nothing to clean up.
type lock struct{ file *os.File }

func acquire(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
	}
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	switch {
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION):
		return nil, errors.Join(driver.ErrLocked, f.Close())
	case err != nil:
		return nil, errors.Join(driver.ErrUnavailable, err, f.Close())
	}
	return &lock{f}, nil
}

// release does not leave it to the file's end to give the lock up: when the system
// does so is its own affair.
func (l *lock) release() error {
	return errors.Join(windows.UnlockFileEx(windows.Handle(l.file.Fd()), 0, 1, 0, new(windows.Overlapped)), l.file.Close())
}

// syncDirectory does nothing: NTFS journals the entries of its directories, and
// a directory can't be synced by name.
func syncDirectory(string) error { return nil }
