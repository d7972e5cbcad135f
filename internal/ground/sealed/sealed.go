// Package sealed is key material that is used and never shown.
//
// Its functions are what keys do, never what they are. The hierarchy: a root
// key from outside wraps the master key, which wraps the key of each account,
// which seals rows and wraps key material; material derives a fresh key per
// message (NIST SP 800-108, HMAC-SHA-256, counter mode) for AES-256-GCM
// (NIST SP 800-38D). No key of the hierarchy is ever an AES key itself: it only
// derives, each time under the label of one purpose (see derive.go).
//
// Keys lie outside the Go heap (see arena.go). What the standard library copies
// while it works, such as the AES key schedule of one message, does not.
//
// The formats are specified in docs/formats/ciphertext.md and
// docs/formats/keyring.md.
package sealed

import (
	"crypto/rand"
	"errors"

	"claviger/internal/words/confidential"
)

var (
	// ErrCiphertext is the one error of every failed decryption, whatever failed.
	ErrCiphertext = errors.New("sealed: ciphertext does not open")
	// ErrRootKey means that the root key is not the one that the store was made with.
	ErrRootKey = errors.New("sealed: the root key does not open this store")
)

// Random draws n bytes from crypto/rand.
func Random(n int) confidential.Bytes {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return confidential.New(b)
}
