package sealed

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"hash"
	"slices"
)

// macKey is the key of one HMAC algorithm (FIPS 198-1).
type macKey struct {
	hash func() hash.Hash
	key  []byte
}

// macKeyMax is the length of the longest key that can be imported, in bytes.
const macKeyMax = 128

// macSpec is a spec whose keys are drawn as long as the hash is.
func macSpec(name string, h func() hash.Hash) spec {
	size := h().Size()
	read := func(b []byte) (private, error) {
		if len(b) < size || len(b) > macKeyMax {
			return nil, ErrMaterial
		}
		return &macKey{h, slices.Clone(b)}, nil
	}
	return spec{
		name: name,
		draw: func(context.Context) (private, error) {
			b := make([]byte, size)
			_, _ = rand.Read(b)
			return &macKey{h, b}, nil
		},
		read: read,
		take: read,
	}
}

func (k *macKey) encode() []byte { return slices.Clone(k.key) }

// mac knows one algorithm, that of the key's spec.
func (k *macKey) mac(_ string, message []byte) []byte {
	h := hmac.New(k.hash, k.key)
	h.Write(message)
	return h.Sum(nil)
}
