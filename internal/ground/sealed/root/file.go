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
)

// createFile draws a key and writes it to a file that did not exist.
//
// A crash on the way leaves a file that is too short, or a whole one that no
// store refers to yet. Neither is taken for a key of a store: the next attempt
// is refused because the file exists, and the operator decides.
func createFile(path string) (*sealed.RootKey, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("root key file %s is there already and is never overwritten; move it away if no store needs it: %w", path, fs.ErrExist)
	}
	if err != nil {
		return nil, fmt.Errorf("making the root key file: %w", err)
	}
	raw := make([]byte, keySize)
	_, _ = rand.Read(raw)
	if err := writeSynced(f, raw); err != nil {
		clear(raw)
		_ = os.Remove(path)
		return nil, fmt.Errorf("writing the root key file: %w", err)
	}
	return sealed.NewRootKey(confidential.New(raw))
}

// writeSynced writes b to f, closes it, and returns when file and name are durable.
func writeSynced(f *os.File, b []byte) error {
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(f.Name()))
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
