package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// LostAndFound is what a file system of Linux has in its root, for itself. A data directory
// may be one.
const LostAndFound = "lost+found"

// Owned judges who may use what lies at path, or where that leads, and below it. It must be
// self's, a user id, who could not write to what is root's, and nobody else may read, write
// or enter it. It also returns when the newest file was written.
func Owned(path string, self int) (found []Finding, newest time.Time) {
	const check = "files"
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		found = owned(check, path, info, self)
		if real, err := filepath.EvalSymlinks(path); err == nil { // else the walk says what is wrong
			path = real
		}
	}
	looked := 0
	err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == LostAndFound {
			return fs.SkipDir
		}
		info, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a running server has just removed it
		}
		if err != nil {
			return err
		}
		looked++
		if info.Mode().IsRegular() && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
		found = append(found, owned(check, name, info, self)...)
		return nil
	})
	if err != nil {
		return append(found, Failed(check, "run this as the user that the server runs as", err)), newest
	}
	if len(found) == 0 {
		found = append(found, ok(check, "%d files and directories are closed to others", looked))
	}
	return found, newest
}

// Private judges one file that is only read, and that root may have lent.
func Private(check, path string, self int) []Finding {
	info, err := os.Stat(path)
	if err != nil {
		return []Finding{Failed(check, "run this as the user that the server runs as", err)}
	}
	found := owned(check, path, info, self, 0)
	if len(found) == 0 {
		found = append(found, ok(check, "%s is closed to others", path))
	}
	return found
}

func owned(check, name string, info fs.FileInfo, self int, lenders ...int) []Finding {
	var found []Finding
	mode := info.Mode()
	if mode&fs.ModeSymlink != 0 {
		return []Finding{warning(check, "see that nobody else may change where it leads", "%s leads elsewhere", name)}
	}
	if open := mode.Perm() & 0o077; open != 0 && closable {
		found = append(found, problem(check, fmt.Sprintf("chmod go= %s", name), "others may use %s (mode %04o)", name, mode.Perm()))
	}
	if owner, known := ownerOf(info); known && owner != self && !slices.Contains(lenders, owner) {
		found = append(found, problem(check, fmt.Sprintf("chown %d %s", self, name), "%s belongs to user %d, and the server would run as user %d", name, owner, self))
	}
	return found
}

// SyncTime is how long a small synced write takes in a directory: the median of
// several.
func SyncTime(dir string, now func() time.Time) (took time.Duration, err error) {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	var times []time.Duration
	block := make([]byte, 4096)
	for i := range 9 {
		began := now()
		if _, err := f.WriteAt(block, int64(i*len(block))); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		times = append(times, now().Sub(began))
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}
