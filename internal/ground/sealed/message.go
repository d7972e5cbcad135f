package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
)

// Every message, whatever it is, has the same end of its header and the same
// construction:
//
//	header     = prefix || N || IV
//	message    = header || AES-256-GCM( K, IV, plaintext, header || associated )
//	K          = derive( key, label, N )
//
// A pair (K, IV) repeats for q messages under one key with a probability of
// about q²/2²²⁵; K itself with q²/2¹²⁹. So no count of messages has to be kept.
const (
	nonceSize   = 16 // N
	ivSize      = 12
	tagSize     = 16
	variateSize = nonceSize + ivSize
)

// variates are N and IV of one message, never to be used for another.
type variates [variateSize]byte

func drawVariates() (v variates) {
	_, _ = rand.Read(v[:])
	return v
}

// seal appends the ciphertext to dst, which ends with the header.
// s.associated must hold header || associated.
func (k *key) seal(s *scratch, label string, dst, plaintext []byte) []byte {
	v := dst[len(dst)-variateSize:]
	k.derive(s, label, v[:nonceSize], &s.derived)
	return newGCM(&s.derived).Seal(dst, v[nonceSize:], plaintext, s.associated)
}

// open appends the plaintext to dst. s.associated must hold header || associated.
func (k *key) open(s *scratch, label string, dst, header, ciphertext []byte) ([]byte, error) {
	v := header[len(header)-variateSize:]
	k.derive(s, label, v[:nonceSize], &s.derived)
	out, err := newGCM(&s.derived).Open(dst, v[nonceSize:], ciphertext, s.associated)
	if err != nil {
		return nil, ErrCiphertext
	}
	return out, nil
}

func newGCM(k *[keySize]byte) cipher.AEAD {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		panic("sealed: " + err.Error())
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("sealed: " + err.Error())
	}
	return aead
}

// usable reports why messages can't be sealed in this process: GODEBUG=fips140=only
// forbids IVs that the AEAD has not drawn itself, as this construction needs them.
func usable() error {
	block, err := aes.NewCipher(make([]byte, keySize))
	if err != nil {
		return err
	}
	if _, err = cipher.NewGCM(block); err != nil {
		return errors.New("sealed: GODEBUG=fips140=only does not let AES-GCM take its IV from outside; use fips140=on")
	}
	return nil
}
