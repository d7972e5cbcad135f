package sealed

import (
	"crypto/cipher"
	"encoding/binary"
)

// A SegmentCipher seals the entries of one segment under their sequence numbers.
type SegmentCipher interface {
	Seal(dst []byte, sequence uint64, associated, plaintext []byte) []byte
	Open(dst []byte, sequence uint64, associated, sealed []byte) ([]byte, error)
	Overhead() int
}

// saltSize is the length of a segment's salt.
const saltSize = 32

// segment is AES-256-GCM whose IV is a counter (NIST SP 800-38D §8.2.1): 32 zero
// bits and the sequence number.
//
// An IV can't come twice under one key: the key belongs to the salt, which is
// drawn anew whenever a segment is begun or opened for writing, and within one
// such stretch the sequence numbers rise. A process that comes back after a
// crash and gives a number again does so under another salt.
type segment struct{ aead cipher.AEAD }

// Cipher returns an AEAD for the trail's segment whose salt (32 random bytes) is
// given: a key of its own per salt. The caller draws a new salt whenever it
// begins to write, counts the sequence numbers and never repeats one.
func (k *Keyring) Cipher(salt []byte) SegmentCipher {
	if len(salt) != saltSize {
		panic("sealed: salt of a segment has the wrong length")
	}
	s := getScratch()
	defer s.release()
	k.master.derive(s, labelSegment, salt, &s.derived)
	return segment{aead: newGCM(&s.derived)}
}

// Seal appends the sealed entry to dst.
func (s segment) Seal(dst []byte, sequence uint64, associated, plaintext []byte) []byte {
	iv := segmentIV(sequence)
	return s.aead.Seal(dst, iv[:], plaintext, associated)
}

// Open appends the entry to dst, or returns ErrCiphertext.
func (s segment) Open(dst []byte, sequence uint64, associated, sealed []byte) ([]byte, error) {
	iv := segmentIV(sequence)
	out, err := s.aead.Open(dst, iv[:], sealed, associated)
	if err != nil {
		return nil, ErrCiphertext
	}
	return out, nil
}

// Overhead is the number of bytes that Seal adds.
func (s segment) Overhead() int { return s.aead.Overhead() }

func segmentIV(sequence uint64) (iv [ivSize]byte) {
	binary.BigEndian.PutUint64(iv[ivSize-8:], sequence)
	return iv
}
