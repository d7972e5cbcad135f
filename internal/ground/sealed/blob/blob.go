// Package blob is the ciphertext format: bytes in, fields out. It holds no keys.
//
// A blob is a header of fixed length in clear, and the ciphertext with its tag:
//
//	offset  bytes
//	     0      4  magic: 9c 43 4c 56
//	     4      1  format version: 1
//	     5      1  algorithm: 1, AES-256-GCM under a key derived per message; 2, see twice.go
//	     6      1  flags: 0
//	     7      1  kind of key id: 1 UUID, 2 multi-Region
//	     8     16  key id: the 128 bits that its hex digits spell
//	    24     32  key material id
//	    56     16  keyspace: from partition and account
//	    72     16  N, nonce of the key derivation
//	    88     12  IV
//	   100      n  ciphertext, as long as the plaintext
//	 100+n     16  tag
//
// docs/formats/ciphertext.md is the specification.
package blob

import (
	"encoding/hex"
	"errors"

	"claviger/internal/words/ident"
)

// ErrFormat is returned for everything that is not a blob of this format.
var ErrFormat = errors.New("blob: not a ciphertext of this format")

// Sizes of the format in bytes.
const (
	HeaderSize   = 100
	TagSize      = 16
	Overhead     = HeaderSize + TagSize // what a blob is longer than its plaintext
	MaxPlaintext = 4096
)

const (
	magic     = "\x9cCLV"
	version   = 1
	algorithm = 1
	flags     = 0

	kindUUID        = 1
	kindMultiRegion = 2
)

// A Header is what a ciphertext says in clear. All of it is authenticated.
type Header struct {
	Keyspace   [16]byte // from partition and account
	KeyID      string   // UUID or mrk-… form
	MaterialID [32]byte
	Nonce      [16]byte // of the key derivation
	IV         [12]byte
}

// Append appends the header's encoding to dst. It panics where the key id has
// neither of its two forms: no such key can exist.
func Append(dst []byte, h *Header) []byte {
	kind, id := packKeyID(h.KeyID)
	dst = append(dst, magic...)
	dst = append(dst, version, algorithm, flags, kind)
	dst = append(dst, id[:]...)
	dst = append(dst, h.MaterialID[:]...)
	dst = append(dst, h.Keyspace[:]...)
	dst = append(dst, h.Nonce[:]...)
	return append(dst, h.IV[:]...)
}

// Parse splits b into its header, the header's encoding (a part of b) and the
// ciphertext with its tag (also a part of b).
func Parse(b []byte) (h Header, raw, ciphertext []byte, err error) {
	raw, ciphertext, err = Split(b)
	if err != nil {
		return Header{}, nil, nil, err
	}
	return headerOf(raw), raw, ciphertext, nil
}

// headerOf reads an encoded header.
func headerOf(raw []byte) (h Header) {
	h.KeyID = unpackKeyID(raw[7], [16]byte(raw[8:24]))
	copy(h.MaterialID[:], raw[24:])
	copy(h.Keyspace[:], raw[56:])
	copy(h.Nonce[:], raw[72:])
	copy(h.IV[:], raw[88:])
	return h
}

// Split is Parse for those who need the encoding only.
func Split(b []byte) (raw, ciphertext []byte, err error) {
	if len(b) < Overhead || len(b) > Overhead+MaxPlaintext || !isHeader(b, algorithm) {
		return nil, nil, ErrFormat
	}
	return b[:HeaderSize:HeaderSize], b[HeaderSize:], nil
}

// isHeader reports whether b, which is long enough, begins with a header of the
// algorithm.
func isHeader(b []byte, algorithm byte) bool {
	return string(b[:4]) == magic && b[4] == version && b[algorithmAt] == algorithm && b[6] == flags &&
		(b[7] == kindUUID || b[7] == kindMultiRegion)
}

// packKeyID returns the 128 bits that the hex digits of a key id spell.
func packKeyID(s string) (kind byte, id [16]byte) {
	digits := make([]byte, 0, 32)
	switch {
	case ident.IsUUID(s):
		kind = kindUUID
		for i := range len(s) {
			if s[i] != '-' {
				digits = append(digits, s[i])
			}
		}
	case ident.IsMultiRegionKeyID(s):
		kind = kindMultiRegion
		digits = append(digits, s[4:]...)
	default:
		panic("blob: key id has neither form")
	}
	if _, err := hex.Decode(id[:], digits); err != nil {
		panic("blob: key id is not of hex digits")
	}
	return kind, id
}

func unpackKeyID(kind byte, id [16]byte) string {
	digits := hex.EncodeToString(id[:])
	if kind == kindMultiRegion {
		return "mrk-" + digits
	}
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}
