package audit

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A directory is the folder of a Log: a directory of the operating system.
type directory string

func (d directory) path(name string) string { return filepath.Join(string(d), name) }

func (d directory) list() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

// open looks first: opening a pipe waits for whoever would write to it.
func (d directory) open(name string) (file, error) {
	info, err := os.Stat(d.path(name))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errIrregular
	}
	f, err := os.Open(d.path(name))
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d directory) create(name string, size int64) (file, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	// Zeros, not reserved extents: an append into those changes the file's
	// metadata, which its sync would have to write as well.
	if err = writeZeros(f, size); err == nil {
		err = f.Sync() // the size, so that no later write has to change it
	}
	if err == nil {
		err = syncDirectory(string(d))
	}
	if err != nil {
		_ = f.Close()
		_ = os.Remove(d.path(name))
		return nil, err
	}
	return osFile{f}, nil
}

func (d directory) reopen(name string) (file, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// rename closes the file first, since not every system renames an open one.
func (d directory) rename(f file, from, to string) (file, error) {
	if err := f.Close(); err != nil {
		return nil, err
	}
	if err := os.Rename(d.path(from), d.path(to)); err != nil {
		return nil, err
	}
	if err := syncDirectory(string(d)); err != nil {
		return nil, err
	}
	return d.reopen(to)
}

func (d directory) remove(name string) error { return os.Remove(d.path(name)) }

// make makes the directory, durably, if there is none.
func (d directory) make() error {
	if _, err := os.Stat(string(d)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(filepath.Clean(string(d))))
}

// A dirLock is held by the Log of a directory.
type dirLock struct{ f *os.File }

func (l dirLock) Close() error { return errors.Join(unlockFile(l.f), l.f.Close()) }

// lock tries more than once: a Verify that asks whether a Log is running holds
// the lock for a moment.
func (d directory) lock() (io.Closer, error) {
	if err := d.make(); err != nil {
		return nil, err
	}
	for tries := 5; ; tries-- {
		f, err := os.OpenFile(d.path(lockName), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err = lockFile(f, true); err == nil {
			return dirLock{f}, nil
		}
		_ = f.Close()
		if tries == 1 || !errors.Is(err, ErrLocked) {
			return nil, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (d directory) locked() (bool, error) {
	f, err := os.Open(d.path(lockName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	switch err := lockFile(f, false); {
	case errors.Is(err, ErrLocked):
		return true, nil
	case err != nil:
		return false, err
	}
	return false, unlockFile(f)
}

// An osFile is a file of the operating system.
type osFile struct{ f *os.File }

func (f osFile) ReadAt(b []byte, off int64) (int, error) { return f.f.ReadAt(b, off) }
func (f osFile) Close() error                            { return f.f.Close() }
func (f osFile) truncate(size int64) error               { return f.f.Truncate(size) }

func (f osFile) size() (int64, error) {
	info, err := f.f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f osFile) write(b []byte, off int64) error {
	if _, err := f.f.WriteAt(b, off); err != nil {
		return err
	}
	return syncWritten(f.f)
}

// writeZeros fills f with size zero bytes, which takes their room where the
// system has no other way to.
func writeZeros(f *os.File, size int64) error {
	for off := int64(0); off < size; {
		n, err := f.WriteAt(zeros[:min(size-off, int64(len(zeros)))], off)
		if err != nil {
			return err
		}
		off += int64(n)
	}
	return nil
}
