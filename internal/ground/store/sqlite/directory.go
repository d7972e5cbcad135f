package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Exists reports whether dir holds a database, or something that keeps it from
// being seen. It touches nothing.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, fileName))
	return !errors.Is(err, fs.ErrNotExist)
}

// Path is where the database of a directory is. Beside it, with "-wal" appended,
// lies its log.
func Path(dir string) string { return filepath.Join(dir, fileName) }

// makeDirectory makes dir, for its owner only, and makes its entry durable.
func makeDirectory(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(filepath.Clean(dir)))
}

// makeFile creates the database file, for its owner only, before SQLite would
// with the process's mask: its other files get the mode of this one. A file
// that others may read, such as a restored copy, is closed to them.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return errors.New("not a regular file")
		}
		if info.Mode().Perm()&0o077 == 0 {
			return nil
		}
		return os.Chmod(path, 0o600)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}
