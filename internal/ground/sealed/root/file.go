package root

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"claviger/internal/ground/sealed"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

// createFile draws a key and writes it to a file that did not exist.
//
// A crash on the way leaves no file, or a whole one that no store refers to yet: who
// tries again finds that it exists, and may take it with Bring.
func createFile(path string) (*sealed.RootKey, error) {
	raw := make([]byte, keySize)
	_, _ = rand.Read(raw)
	switch err := writeNew(path, raw); {
	case errors.Is(err, fs.ErrExist):
		clear(raw)
		return nil, fmt.Errorf("root key file %s is there already and is never overwritten; move it away if no store needs it: %w", path, fs.ErrExist)
	case err != nil:
		clear(raw)
		return nil, fmt.Errorf("making the root key file: %w", err)
	}
	return sealed.NewRootKey(confidential.New(raw))
}

// WritePrivate writes a secret to a file that did not exist, for its owner to
// read and for nobody to write (mode 0400), and returns when it is durable. A crash
// on the way leaves no file of that name, or a whole one.
func WritePrivate(path string, b confidential.Bytes) error {
	err := writeNew(path, b.Reveal(reveal.Token{}))
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already and is never overwritten: %w", path, fs.ErrExist)
	}
	return err
}

// draftOf is where a file is written before it has its name.
func draftOf(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
}

// writeNew writes a file that has its name when it is whole and durable. What a crash
// leaves is a draft, perhaps beside the file, as a second name of it: whoever writes or
// removes the file next removes that.
func writeNew(path string, b []byte) error {
	draft := draftOf(path)
	if err := discard(draft); err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil { // also where nothing can be written
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	f, err := writeFile(draft, b)
	if err != nil {
		return err
	}
	err = name(f, path)
	switch {
	case err == nil, errors.Is(err, fs.ErrExist), errors.Is(err, errMeddled):
		err = errors.Join(err, f.Close())
	default: // the file system has no second names: a crash may leave a file cut short
		_ = f.Close()
		if f, err = writeFile(path, b); err == nil {
			err = f.Close()
		}
	}
	return errors.Join(err, discard(draft), syncDir(filepath.Dir(path)))
}

// errMeddled means that two have written one file at a time. Which of them has its
// content there only the file knows.
var errMeddled = errors.New("somebody else writes it at this moment")

// name gives the file that is being written a second name, which nothing has. It is
// open, so that no other file can pass for it.
func name(f *os.File, path string) error {
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	written, err := f.Stat()
	if err != nil {
		return err
	}
	if named, err := os.Lstat(path); err != nil || !os.SameFile(written, named) {
		return fmt.Errorf("%s: %w", path, errMeddled)
	}
	return nil
}

// writeFile writes a file that did not exist, with mode 0400, and syncs it. It leaves
// none that it could not write.
func writeFile(path string, b []byte) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return nil, err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return f, nil
}

// discard removes a file, if it is there.
func discard(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil // nothing is asked of a directory that can only be read
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// openFile reads a key file that nobody else may read.
func openFile(path string) (*sealed.RootKey, error) {
	raw, err := readSafe(path, keySize)
	if err != nil {
		return nil, err
	}
	if len(raw) != keySize {
		clear(raw)
		return nil, fmt.Errorf("%w: %s must hold exactly %d bytes; it is no root key, or was cut", ErrUnsafe, path, keySize)
	}
	return sealed.NewRootKey(confidential.New(raw))
}

// readSafe reads at most limit+1 bytes of a root key's or passphrase's file.
func readSafe(path string, limit int) ([]byte, error) {
	b, err := ReadPrivate(path, limit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: there is no file %s", ErrMissing, path)
	case err != nil && !errors.Is(err, ErrUnsafe):
		return nil, fmt.Errorf("reading the root key: %w", err)
	}
	return b, err
}

// ReadPrivate reads at most limit+1 bytes of a regular file that belongs to us,
// or to root, and that nobody else may read (ErrUnsafe). What is checked is the
// open file, not its name. It serves other secret files of the operator's too.
func ReadPrivate(path string, limit int) ([]byte, error) {
	f, err := openNow(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkSafe(path, info); err != nil {
		return nil, err
	}
	return readUpTo(f, limit)
}

// ReadPrivateText is ReadPrivate for what must not be printed.
func ReadPrivateText(path string, limit int) (confidential.Bytes, error) {
	b, err := ReadPrivate(path, limit)
	return confidential.New(b), err
}

// readUpTo reads at most limit+1 bytes, so that the caller can tell too much from enough.
func readUpTo(r io.Reader, limit int) ([]byte, error) {
	buf := make([]byte, limit+1)
	n, err := io.ReadFull(r, buf)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		clear(buf)
		return nil, err
	}
	return buf[:n], nil
}

// File is the path of a file that holds the root key itself.
func (s Source) File() (path string, is bool) { return s.path, s.kind == file }

// Absolute names the same file from every directory.
func (s Source) Absolute() (Source, error) {
	if s.path == "" {
		return s, nil
	}
	path, err := filepath.Abs(s.path)
	if err != nil {
		return s, fmt.Errorf("naming %s: %w", s.path, err)
	}
	s.path = path
	return s, nil
}

// Next is where the successor of a key file waits until the store has changed
// over to it.
func (s Source) Next() Source { return Source{kind: file, path: s.path + ".next"} }

// Draw is Create for a successor, in place of one that was never changed over to.
func (s Source) Draw() (key *sealed.RootKey, params []byte, err error) {
	if err := discard(s.path); err != nil {
		return nil, nil, fmt.Errorf("removing what an interrupted rotation left: %w", err)
	}
	if key, err = createFile(s.path); err != nil {
		return nil, nil, err
	}
	return key, fileParams().encode(), nil
}

// Succeed gives the successor of s its place, and keeps what was there under
// another name where one is given. Done again, it does nothing.
func (s Source) Succeed(keep string) error {
	next := s.Next().path
	if _, err := os.Lstat(next); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if keep != "" {
		if err := os.Link(s.path, keep); err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keeping the root key of before: %w", err)
		}
		if err := syncDir(filepath.Dir(keep)); err != nil { // before the other name goes
			return err
		}
	}
	if err := os.Rename(next, s.path); err != nil {
		return fmt.Errorf("putting the new root key in its place: %w", err)
	}
	return syncDir(filepath.Dir(s.path))
}

// Remove deletes the file, and what a crash has left of writing it, if they are there.
func (s Source) Remove() error {
	if err := errors.Join(discard(s.path), discard(draftOf(s.path))); err != nil {
		return fmt.Errorf("removing a root key: %w", err)
	}
	return syncDir(filepath.Dir(s.path))
}

// Drafted reports whether a crash has left something of writing the file.
func (s Source) Drafted() bool {
	_, err := os.Lstat(draftOf(s.path))
	return err == nil
}

// IsLink reports whether a key file is a symbolic link, which can't be replaced
// as a file can.
func (s Source) IsLink() bool {
	info, err := os.Lstat(s.path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}
