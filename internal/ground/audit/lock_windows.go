package audit

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile locks f, without waiting; ErrLocked where another has it.
func lockFile(f *os.File, exclusive bool) error {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if exclusive {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return err
}

// unlockFile gives the lock of f up. When the system does so for a file that was
// closed is its own affair.
func unlockFile(f *os.File) error {
	return windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, new(windows.Overlapped))
}

// syncDirectory does nothing: the system has no such call, and its file system
// journals names.
func syncDirectory(string) error { return nil }
