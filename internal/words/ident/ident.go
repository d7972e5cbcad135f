// Package ident draws and checks identifiers.
//
// Every identifier is drawn from crypto/rand, so that none can be guessed.
package ident

import (
	"crypto/rand"
	"encoding/hex"
)

// UUID returns a random UUID (RFC 9562, version 4) in lower case.
func UUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	s[8] = '-'
	hex.Encode(s[9:13], b[4:6])
	s[13] = '-'
	hex.Encode(s[14:18], b[6:8])
	s[18] = '-'
	hex.Encode(s[19:23], b[8:10])
	s[23] = '-'
	hex.Encode(s[24:36], b[10:16])
	return string(s[:])
}

// MultiRegionKeyID returns a random key id of a multi-Region key: "mrk-" and 32 hex digits.
func MultiRegionKeyID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return "mrk-" + hex.EncodeToString(b[:])
}

// CustomKeyStoreID returns a random id of a custom key store: "cks-" and 17 hex digits.
func CustomKeyStoreID() string {
	b := Bytes()
	return "cks-" + hex.EncodeToString(b[:])[:17]
}

// Unique returns a unique id as IAM forms them: a four-letter prefix that tells
// the kind, such as AIDA or AKIA, and random letters and digits up to n in all.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func Unique(prefix string, n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	b := make([]byte, n)
	_, _ = rand.Read(b)
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	copy(b, prefix)
	return string(b)
}

// IsUUID reports whether s is a UUID in lower case.
func IsUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return false
			}
		} else if !isHex(s[i]) {
			return false
		}
	}
	return true
}

// IsMultiRegionKeyID reports whether s has the form that MultiRegionKeyID draws.
func IsMultiRegionKeyID(s string) bool {
	if len(s) != 36 || s[:4] != "mrk-" {
		return false
	}
	for i := 4; i < len(s); i++ {
		if !isHex(s[i]) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }

// Secret returns n random characters of the alphabet of secret access keys:
// letters, digits, "+" and "/", six bits each.
func Secret(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	b := make([]byte, n)
	_, _ = rand.Read(b)
	for i := range b {
		b[i] = alphabet[b[i]&63]
	}
	return string(b)
}

// Bytes returns 16 random bytes.
func Bytes() (b [16]byte) {
	_, _ = rand.Read(b[:])
	return b
}
