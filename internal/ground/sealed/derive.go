package sealed

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"runtime"
)

// Labels keep the purposes of keys apart: what is derived under one label says
// nothing about what is derived under another. Each stands in the formats and
// can't change without a new version of them.
const (
	labelMessage  = "kms/blob/v1/aes-256-gcm"          // material → key of one ciphertext
	labelMaterial = "claviger/material/v1/aes-256-gcm" // account key → key that wraps material
	labelImport   = "claviger/import/v1/aes-256-gcm"   // account key → key that seals a wrapping key
	labelWaiting  = "claviger/waiting/v1/aes-256-gcm"  // key of its own → key that seals an RSA key until it is taken
	labelRow      = "claviger/row/v1/aes-256-gcm"      // account key → key of one row
	labelAccount  = "claviger/account/v1/aes-256-gcm"  // master key → key that wraps an account key
	labelMaster   = "claviger/master/v1/aes-256-gcm"   // root key → key that wraps the master key
	labelToken    = "claviger/token/v1/aes-256-gcm"    // secret → key of one token
	labelSegment  = "claviger/segment/v1/aes-256-gcm"  // master key → key of a segment of the trail
	labelExternal = "kms/xks/v1/aes-256-gcm"           // external key → key of one ciphertext

	labelExternalMaterial = "claviger/external-material/v1/aes-256-gcm" // installation's key → key that wraps an external key
	labelExternalProbe    = "claviger/external-probe/v1"                // master key → key with which a key store tries itself

	labelRootCheck  = "claviger/root-check/v1"  // root key → value that tells it from others
	labelMaterialID = "claviger/material-id/v1" // material → its public id
	labelSecret     = "claviger/secret/v1"      // master key → secret of a purpose
	labelHash       = "claviger/hash/v1"        // secret → key of its keyed hash
	labelSigner     = "claviger/signer/v1"      // master key → Ed25519 seed
)

// derive writes the 256 bits that k yields for a label and a context to out:
//
//	HMAC-SHA-256( k, be32(1) || label || 0x00 || context || be32(256) )
//
// which is the first and only block of the KDF in counter mode of NIST SP
// 800-108r1 §4.1 with a counter and a length of 32 bits.
func (k *key) derive(s *scratch, label string, context []byte, out *[keySize]byte) {
	s.input = binary.BigEndian.AppendUint32(s.input[:0], 1)
	s.input = append(s.input, label...)
	s.input = append(s.input, 0)
	s.input = append(s.input, context...)
	s.input = binary.BigEndian.AppendUint32(s.input, 8*keySize)
	k.mac(s, s.input, out)
}

// child derives a key of its own.
func (k *key) child(label string, context []byte) *key {
	s := getScratch()
	defer s.release()
	k.derive(s, label, context, &s.derived)
	return takeKey(s.derived[:])
}

// mac writes HMAC-SHA-256 of message under k to out.
//
// It resumes the prepared states instead of using crypto/hmac, which would copy
// the key into memory that nobody wipes, and takes more than twice as long. In
// FIPS 140-3 mode it uses crypto/hmac all the same, because there the MAC as a
// whole has to be the validated module's.
func (k *key) mac(s *scratch, message []byte, out *[keySize]byte) {
	if fips140.Enabled() {
		k.macPlain(message, out)
		return
	}
	s.resume(k.inner())
	s.hash.Write(message)
	s.hash.Sum(out[:0])
	s.resume(k.outer())
	s.hash.Write(out[:])
	s.hash.Sum(out[:0])
	runtime.KeepAlive(k)
}

// macPlain is mac by crypto/hmac.
func (k *key) macPlain(message []byte, out *[keySize]byte) {
	h := hmac.New(sha256.New, k.bytes())
	h.Write(message)
	h.Sum(out[:0])
	runtime.KeepAlive(k)
}

func (s *scratch) resume(state []byte) {
	if err := s.hash.UnmarshalBinary(state); err != nil {
		panic("sealed: SHA-256 state is damaged")
	}
}
