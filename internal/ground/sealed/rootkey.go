package sealed

import (
	"fmt"

	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

// A RootKey is the 256-bit key from outside (package root).
type RootKey struct{ key *key }

// NewRootKey takes ownership of 32 bytes, which it wipes.
func NewRootKey(b confidential.Bytes) (*RootKey, error) {
	raw := b.Reveal(reveal.Token{})
	if len(raw) != keySize {
		clear(raw)
		return nil, fmt.Errorf("sealed: a root key has %d bytes, not %d", keySize, len(raw))
	}
	return &RootKey{key: takeKey(raw)}, nil
}
