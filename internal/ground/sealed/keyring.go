package sealed

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"sync"
	"sync/atomic"
)

// A Keyring holds the master keys and the account keys in use. It implements
// store.Sealer and is safe for concurrent use.
type Keyring struct {
	installation Installation
	master       *key                   // the first one: what is derived is derived from it
	masters      atomic.Pointer[[]*key] // all, from the first; the newest one wraps account keys
	accounts     sync.Map               // account → *generations
	digest       *Secret                // of the store's digest
}

func newKeyring(installation Installation, masters []*key) *Keyring {
	k := &Keyring{installation: installation, master: masters[0]}
	k.masters.Store(&masters)
	k.digest = k.Secret("store digest")
	return k
}

// An Installation is the id of a keyring, which is what keys from elsewhere are
// bound to. It is no secret.
type Installation [installationSize]byte

const installationSize = 16

// NewInstallation draws an id.
func NewInstallation() (i Installation) {
	_, _ = rand.Read(i[:])
	return i
}

// String returns 32 hex digits.
func (i Installation) String() string { return hex.EncodeToString(i[:]) }

// Create draws a master key and an installation id, and returns the ring and
// its header: the wrapped master key with a check value, to be stored as it is.
func Create(root *RootKey) (*Keyring, []byte, error) { return CreateAs(NewInstallation(), root) }

// CreateAs is Create for an id that was drawn before, because the root key is
// bound to it.
func CreateAs(installation Installation, root *RootKey) (*Keyring, []byte, error) {
	if err := usable(); err != nil {
		return nil, nil, err
	}
	k := newKeyring(installation, []*key{drawKey()})
	return k, k.Rewrap(root), nil
}

// Open opens a header. ErrRootKey where root is another key, ErrCiphertext
// where the header is damaged as far as that can be told apart.
func Open(header []byte, root *RootKey) (*Keyring, error) {
	if err := usable(); err != nil {
		return nil, err
	}
	h, err := parseHeader(header)
	if err != nil {
		return nil, err
	}
	masters, err := h.unwrap(root)
	if err != nil {
		return nil, err
	}
	return newKeyring(h.installation, masters), nil
}

// Rewrap returns a header that opens with root, in place of the one before:
// so a root key is replaced. Nothing else has to be sealed anew.
func (k *Keyring) Rewrap(root *RootKey) []byte {
	return wrapHeader(k.installation, *k.masters.Load(), root, drawVariates())
}

// Renew is Rewrap with one more master key, for account keys to come. adopt makes
// use of it: call it once the header is stored, and never else. ErrMasters where
// there are as many as a header can have.
func (k *Keyring) Renew(root *RootKey) (header []byte, adopt func(), err error) {
	masters := *k.masters.Load()
	if len(masters) == mastersMax {
		return nil, nil, ErrMasters
	}
	masters = append(slices.Clip(slices.Clone(masters)), drawKey())
	return wrapHeader(k.installation, masters, root, drawVariates()), func() { k.masters.Store(&masters) }, nil
}

// Installation is the id drawn at Create: 32 hex digits.
func (k *Keyring) Installation() string { return k.installation.String() }
