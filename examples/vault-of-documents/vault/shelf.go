package vault

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// A shelf keeps vaults and documents in a directory:
//
//	incoming/…                               what is being written
//	ACCOUNT/NAME/vault.json                  the vault
//	ACCOUNT/NAME/documents/ID                its documents, sealed
//
// What a method has written survives a loss of power.
type shelf struct{ root *os.Root }

const incoming = "incoming"

func openShelf(dir string) (*shelf, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of vaults: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the directory of vaults: %w", err)
	}
	// What a crash has left there was answered to nobody.
	if err := errors.Join(root.RemoveAll(incoming), root.Mkdir(incoming, 0o700)); err != nil {
		return nil, errors.Join(fmt.Errorf("clearing %s: %w", incoming, err), root.Close())
	}
	return &shelf{root}, nil
}

func folder(account, name string) string { return path.Join(account, name) }

func record(account, name string) string { return path.Join(folder(account, name), "vault.json") }

func documents(v *vault) string { return path.Join(folder(v.Account, v.Name), "documents") }

// vault reads a vault. The error is fs.ErrNotExist where there is none.
func (s *shelf) vault(account, name string) (*vault, error) {
	text, err := s.root.ReadFile(record(account, name))
	if err != nil {
		return nil, fmt.Errorf("reading vault %s of %s: %w", name, account, err)
	}
	v := new(vault)
	if err := json.Unmarshal(text, v); err != nil {
		return nil, fmt.Errorf("reading vault %s of %s: %w", name, account, err)
	}
	return v, nil
}

// put writes a vault, new or changed.
func (s *shelf) put(v *vault) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding vault %s: %w", v.ARN, err)
	}
	if err := s.root.MkdirAll(documents(v), 0o700); err != nil {
		return fmt.Errorf("making room for vault %s: %w", v.ARN, err)
	}
	for _, dir := range []string{".", v.Account, folder(v.Account, v.Name)} {
		if err := s.sync(dir); err != nil {
			return err
		}
	}
	return s.write(record(v.Account, v.Name), text)
}

// remove removes a vault: its documents first, so that what remains after a
// crash still has a name by which it is removed again.
func (s *shelf) remove(v *vault) error {
	if err := s.root.RemoveAll(documents(v)); err != nil {
		return fmt.Errorf("removing the documents of %s: %w", v.ARN, err)
	}
	if err := s.sync(folder(v.Account, v.Name)); err != nil {
		return err
	}
	if err := s.root.RemoveAll(folder(v.Account, v.Name)); err != nil {
		return fmt.Errorf("removing vault %s: %w", v.ARN, err)
	}
	return s.sync(v.Account)
}

// document reads a document, still sealed. The error is fs.ErrNotExist where
// there is none.
func (s *shelf) document(v *vault, id string) ([]byte, error) {
	text, err := s.root.ReadFile(path.Join(documents(v), id))
	if err != nil {
		return nil, fmt.Errorf("reading document %s of %s: %w", id, v.ARN, err)
	}
	return text, nil
}

// putDocument writes a sealed document, new or in place of an older one.
func (s *shelf) putDocument(v *vault, id string, text []byte) error {
	return s.write(path.Join(documents(v), id), text)
}

// write replaces a file as a whole: whenever the power fails, the old text is
// there or the new one.
func (s *shelf) write(name string, text []byte) error {
	temporary := path.Join(incoming, rand.Text())
	f, err := s.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = s.root.Rename(temporary, name)
	}
	if err != nil {
		_ = s.root.Remove(temporary) // the next start would
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return s.sync(path.Dir(name))
}

// sync makes durable what names a directory has.
func (s *shelf) sync(dir string) error {
	d, err := s.root.Open(dir)
	if err != nil {
		return fmt.Errorf("syncing %s: %w", dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("syncing %s: %w", dir, err)
	}
	return nil
}

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
