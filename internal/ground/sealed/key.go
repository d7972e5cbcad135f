package sealed

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding"
	"hash"
	"runtime"
)

const (
	keySize = 32
	// stateSize is the length of a SHA-256 state as its AppendBinary writes it.
	stateSize = 108
)

// A key is 256 secret bits in a slot of the arena. Beside them the slot holds
// the two SHA-256 states with which HMAC under this key begins (FIPS 198-1 §6
// allows to precompute them), which halves the cost of a derivation.
//
// The slot is wiped and given back when the key is unreachable, so every method
// that touches it ends with runtime.KeepAlive.
//
// The slot is behind a closure because fmt, given a verb that does not suit a
// struct, follows the pointers inside it.
type key struct{ slot func() *slot }

// The parts of the slot.
func (k *key) bytes() []byte { return k.part(0, keySize) }
func (k *key) inner() []byte { return k.part(keySize, stateSize) }
func (k *key) outer() []byte { return k.part(keySize+stateSize, stateSize) }

func (k *key) part(at, size int) []byte { return k.slot()[at : at+size : at+size] }

// newKey makes a key of the 32 bytes that fill writes.
func newKey(fill func([]byte)) *key {
	s := arena.take()
	k := &key{slot: func() *slot { return s }}
	runtime.AddCleanup(k, arena.wipe, s)
	fill(k.bytes())
	k.prepare()
	return k
}

// drawKey makes a random key.
func drawKey() *key {
	return newKey(func(b []byte) { _, _ = rand.Read(b) })
}

// takeKey makes a key of 32 bytes and wipes them.
func takeKey(b []byte) *key {
	if len(b) != keySize {
		panic("sealed: key has the wrong length")
	}
	defer clear(b)
	return newKey(func(dst []byte) { copy(dst, b) })
}

// prepare computes the states after the first block of both hashes of HMAC.
func (k *key) prepare() {
	s := getScratch()
	defer s.release()
	var pad [sha256.BlockSize]byte
	for _, half := range []struct {
		fill  byte
		state []byte
	}{{0x36, k.inner()}, {0x5c, k.outer()}} {
		for i := range pad {
			pad[i] = half.fill
		}
		for i, b := range k.bytes() {
			pad[i] ^= b
		}
		s.hash.Reset()
		s.hash.Write(pad[:])
		if state, err := s.hash.AppendBinary(half.state[:0]); err != nil || len(state) != stateSize {
			panic("sealed: SHA-256 state has another form")
		}
	}
	clear(pad[:])
	runtime.KeepAlive(k)
}

// A resumable is SHA-256 as the standard library offers it.
type resumable interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// with calls fn with the key's bytes, which fn must not keep.
func (k *key) with(fn func([]byte) []byte) []byte {
	defer runtime.KeepAlive(k)
	return fn(k.bytes())
}
