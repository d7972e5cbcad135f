package sealed

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// rowPrefix is the version of a sealed row's format.
var rowPrefix = []byte{1}

// Seal seals a body under the key of an account and binds it to associated,
// which Open must be given again.
func (k *Keyring) Seal(account string, associated, plaintext []byte) ([]byte, error) {
	key, err := k.account(account)
	if err != nil {
		return nil, err
	}
	dst := make([]byte, 0, boxSize(len(rowPrefix), len(plaintext)))
	return key.box(labelRow, dst, rowPrefix, drawVariates(), associated, plaintext), nil
}

// Open opens what Seal sealed, else ErrCiphertext.
func (k *Keyring) Open(account string, associated, sealed []byte) ([]byte, error) {
	key, err := k.account(account)
	if err != nil {
		return nil, err
	}
	dst := make([]byte, 0, max(0, len(sealed)-boxSize(len(rowPrefix), 0)))
	return key.unbox(labelRow, dst, rowPrefix, associated, sealed)
}

func (k *Keyring) account(account string) (*key, error) {
	v, ok := k.accounts.Load(account)
	if !ok {
		return nil, fmt.Errorf("sealed: no key is installed for account %q", account)
	}
	return v.(*key), nil
}

// Known reports whether a key is installed for the account. "" names what
// belongs to the installation, and has a key like every account.
func (k *Keyring) Known(account string) bool {
	_, ok := k.accounts.Load(account)
	return ok
}

// Draw makes a key for account and returns it wrapped. It does not install it:
// what is sealed under a key whose wrapped form was never stored is lost.
func (k *Keyring) Draw(account string) ([]byte, error) {
	return k.master.wrap(labelAccount, accountPrefix(), drawVariates(), k.accountBinding(account), drawKey()), nil
}

// Install makes a wrapped account key usable. It replaces the account's key
// where one is installed, so that of two drawn at once the stored one can win.
// ErrCiphertext where it was not drawn for this account by this installation.
func (k *Keyring) Install(account string, wrapped []byte) error {
	key, err := k.master.unwrap(labelAccount, accountPrefix(), k.accountBinding(account), wrapped)
	if err != nil {
		return fmt.Errorf("installing the key of account %q: %w", account, err)
	}
	k.accounts.Store(account, key)
	return nil
}

// accountPrefix is the version of the format and that of the master key.
func accountPrefix() []byte { return binary.BigEndian.AppendUint32([]byte{1}, masterVersion) }

func (k *Keyring) accountBinding(account string) []byte {
	return appendField(slices.Clone(k.installation[:]), account)
}
