package sealed

import (
	"crypto/rand"
	"encoding/hex"
	"sync"
)

// A Keyring holds the master key and the account keys in use. It implements
// store.Sealer and is safe for concurrent use.
type Keyring struct {
	installation Installation
	master       *key
	accounts     sync.Map // account → *key
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
	k := &Keyring{installation: installation, master: drawKey()}
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
	master, err := h.unwrap(root)
	if err != nil {
		return nil, err
	}
	return &Keyring{installation: h.installation, master: master}, nil
}

// Rewrap returns a header that opens with root, in place of the one before:
// so a root key is replaced. Nothing else has to be sealed anew.
func (k *Keyring) Rewrap(root *RootKey) []byte {
	return wrapHeader(k.installation, k.master, root, drawVariates())
}

// Installation is the id drawn at Create: 32 hex digits.
func (k *Keyring) Installation() string { return k.installation.String() }
