package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding"
	"hash"
	"strings"
	"sync"
	"weak"

	"claviger/internal/kernel/authz"
	"claviger/internal/words/confidential/reveal"
)

// A signingKey is the key that a secret gives for one scope. It is kept as the
// two states that HMAC-SHA-256 has after its padded key (FIPS 198-1), so that a
// signature costs no block for the key and no allocation.
type signingKey struct {
	credential   weak.Pointer[authz.Credential] // whose secret it was derived from
	inner, outer []byte
}

// derive computes the signing key of a scope.
func derive(credential *authz.Credential, scope *Scope) *signingKey {
	secret := append([]byte("AWS4"), credential.Secret.Reveal(reveal.Token{})...)
	key := sum(secret, scope.Date)
	clear(secret)
	for _, part := range [...]string{scope.Region, scope.Service, terminator} {
		key = sum(key, part)
	}
	k := &signingKey{
		credential: weak.Make(credential),
		inner:      padded(key, 0x36),
		outer:      padded(key, 0x5c),
	}
	clear(key)
	return k
}

func sum(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// padded is the state of SHA-256 after one block of key, padded with zeros, XOR pad.
func padded(key []byte, pad byte) []byte {
	var block [sha256.BlockSize]byte
	copy(block[:], key)
	for i := range block {
		block[i] ^= pad
	}
	h := sha256.New()
	h.Write(block[:])
	clear(block[:])
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic("sigv4: SHA-256 does not give its state: " + err.Error())
	}
	return state
}

// sign puts the HMAC of text into out, which has room for it, and returns it. h is SHA-256.
func (k *signingKey) sign(h hash.Hash, text, out []byte) []byte {
	restore(h, k.inner)
	h.Write(text)
	out = h.Sum(out[:0])
	restore(h, k.outer)
	h.Write(out)
	return h.Sum(out[:0])
}

func restore(h hash.Hash, state []byte) {
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
		panic("sigv4: SHA-256 does not take its state: " + err.Error())
	}
}

// generationMax is how many keys a generation of a keyring holds.
const generationMax = 2048

// A keyring keeps signing keys that have verified a signature, at most two
// generations of them: a key that is used moves into the younger one, and the
// older is dropped when the younger is full. The zero value is empty.
type keyring struct {
	mu         sync.RWMutex
	young, old map[Scope]*signingKey
}

// get returns the key of a scope, nil unless it was derived from this very
// credential. A credential that was replaced, for whatever reason, has no key.
func (r *keyring) get(scope *Scope, credential *authz.Credential) *signingKey {
	r.mu.RLock()
	k, young := r.young[*scope]
	if !young {
		k = r.old[*scope]
	}
	r.mu.RUnlock()
	if k == nil || k.credential.Value() != credential {
		return nil
	}
	if !young {
		r.put(scope, k)
	}
	return k
}

// put keeps a key, in place of any other of its scope.
func (r *keyring) put(scope *Scope, k *signingKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.young) >= generationMax {
		r.old, r.young = r.young, nil
	}
	if r.young == nil {
		r.young = make(map[Scope]*signingKey)
	}
	// The strings of scope are parts of a request, which a key must not keep alive.
	r.young[Scope{
		AccessKeyID: strings.Clone(scope.AccessKeyID),
		Date:        strings.Clone(scope.Date),
		Region:      strings.Clone(scope.Region),
		Service:     strings.Clone(scope.Service),
	}] = k
}
