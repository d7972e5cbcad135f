package sealed

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

// Limits of what an external key seals, in bytes: what the proxy interface
// demands at least, and no more.
const (
	MaxExternalPlaintext = 4300
	MaxExternalAAD       = 8192

	// MaxExternalVersion is the greatest number of a version of an external key.
	MaxExternalVersion = 1<<24 - 1
)

// The metadata that goes with each ciphertext: scheme 1 | version 3 | N 16. The
// interface lets it have 20 bytes.
const (
	externalScheme       = 1
	externalMetadataSize = 1 + 3 + nonceSize
)

// External is the material of one version of an external key, which another key
// management service uses by way of the proxy interface and never receives. It is
// kept as that of a KMS key is.
type External struct {
	key     *key
	version uint32
}

// An ExternalBinding is what the material of an external key is bound to: it
// opens under no other.
type ExternalBinding struct {
	KeyStore string // id of the key store, which no other ever has
	KeyID    string
	Version  uint32 // from 1 to MaxExternalVersion
	Created  int64  // of the key, microseconds since 1970
}

// externalPrefix is the version of the wrapped form.
var externalPrefix = []byte{1}

// GenerateExternal draws the material of a version of an external key and
// returns it wrapped. The installation's key must be known.
func (k *Keyring) GenerateExternal(b ExternalBinding) ([]byte, error) {
	if b.Version < 1 || b.Version > MaxExternalVersion {
		return nil, fmt.Errorf("sealed: an external key can't have a version %d", b.Version)
	}
	installation, prefix, err := k.sealing("", externalPrefix)
	if err != nil {
		return nil, err
	}
	return installation.wrap(labelExternalMaterial, prefix, drawVariates(), k.externalBinding(&b), drawKey()), nil
}

// UnwrapExternal opens wrapped material of an external key. ErrCiphertext where
// it was wrapped under any other binding.
func (k *Keyring) UnwrapExternal(b ExternalBinding, wrapped []byte) (*External, error) {
	installation, prefix, err := k.opening("", externalPrefix, wrapped)
	if err != nil {
		return nil, err
	}
	key, err := installation.unwrap(labelExternalMaterial, prefix, k.externalBinding(&b), wrapped)
	if err != nil {
		return nil, err
	}
	return &External{key: key, version: b.Version}, nil
}

// ProbeExternal derives a key for a key store's check of its own health. It
// encrypts nothing of anybody's.
func (k *Keyring) ProbeExternal(keyStore string) *External {
	return &External{key: k.master.child(labelExternalProbe, []byte(keyStore)), version: 1}
}

func (k *Keyring) externalBinding(b *ExternalBinding) []byte {
	bound := appendField(slices.Clone(k.installation[:]), b.KeyStore)
	bound = appendField(bound, b.KeyID)
	bound = binary.BigEndian.AppendUint32(bound, b.Version)
	return binary.BigEndian.AppendUint64(bound, uint64(b.Created))
}

// An ExternalMessage is a ciphertext in the parts that the proxy interface has.
type ExternalMessage struct {
	Ciphertext []byte // as long as the plaintext
	IV         []byte // 12 bytes
	Tag        []byte // 16 bytes
	Metadata   []byte // 20 bytes; they name the version of the key
}

// ExternalVersion returns the version of the key under which a message with this
// metadata was sealed; ErrCiphertext where the metadata is none of ours.
func ExternalVersion(metadata []byte) (uint32, error) {
	if len(metadata) != externalMetadataSize || metadata[0] != externalScheme {
		return 0, ErrCiphertext
	}
	return uint32(metadata[1])<<16 | uint32(metadata[2])<<8 | uint32(metadata[3]), nil
}

// Encrypt seals a plaintext, bound to associated data.
func (x *External) Encrypt(plaintext confidential.Bytes, aad []byte) (ExternalMessage, error) {
	s := getScratch()
	defer s.release()
	return x.encrypt(s, drawVariates(), plaintext.Reveal(reveal.Token{}), aad)
}

func (x *External) encrypt(s *scratch, v variates, plaintext, aad []byte) (ExternalMessage, error) {
	if len(plaintext) > MaxExternalPlaintext || len(aad) > MaxExternalAAD {
		return ExternalMessage{}, fmt.Errorf("sealed: %d bytes with %d associated are too many for an external key", len(plaintext), len(aad))
	}
	b := make([]byte, 0, externalMetadataSize+ivSize+len(plaintext)+tagSize)
	b = append(b, externalScheme, byte(x.version>>16), byte(x.version>>8), byte(x.version))
	b = append(b, v[:]...)
	s.associateExternal(aad, b[:externalMetadataSize])
	b = x.key.seal(s, labelExternal, b, plaintext)
	iv := b[externalMetadataSize:][:ivSize:ivSize]
	ciphertext, tag := splitTag(b[externalMetadataSize+ivSize:])
	return ExternalMessage{Ciphertext: ciphertext, IV: iv, Tag: tag, Metadata: b[:externalMetadataSize:externalMetadataSize]}, nil
}

func splitTag(b []byte) (ciphertext, tag []byte) {
	n := len(b) - tagSize
	return b[:n:n], b[n:]
}

// associateExternal makes be16(length of aad) || aad || length of metadata ||
// metadata the associated data, so that nothing can be moved from one to the other.
func (s *scratch) associateExternal(aad, metadata []byte) {
	b := binary.BigEndian.AppendUint16(s.associated[:0], uint16(len(aad)))
	b = append(b, aad...)
	b = append(b, byte(len(metadata)))
	s.associated = append(b, metadata...)
}

// Decrypt opens a message. Every failure is ErrCiphertext.
func (x *External) Decrypt(m *ExternalMessage, aad []byte) (confidential.Bytes, error) {
	s := getScratch()
	defer s.release()
	plaintext, err := x.decrypt(s, m, aad)
	if err != nil {
		return confidential.Bytes{}, err
	}
	return confidential.New(plaintext), nil
}

func (x *External) decrypt(s *scratch, m *ExternalMessage, aad []byte) ([]byte, error) {
	version, err := ExternalVersion(m.Metadata)
	if err != nil || version != x.version || len(m.IV) != ivSize || len(m.Tag) != tagSize ||
		len(m.Ciphertext) > MaxExternalPlaintext || len(aad) > MaxExternalAAD {
		return nil, ErrCiphertext
	}
	var header [externalMetadataSize + ivSize]byte
	copy(header[copy(header[:], m.Metadata):], m.IV)
	s.associateExternal(aad, m.Metadata)
	b := append(append(make([]byte, 0, len(m.Ciphertext)+tagSize), m.Ciphertext...), m.Tag...)
	return x.key.open(s, labelExternal, b[:0], header[:], b)
}

// Integrity is the integrity value of the proxy interface: SHA-256 of aad,
// metadata, IV, ciphertext and tag, without their lengths.
func (m *ExternalMessage) Integrity(aad []byte) [sha256.Size]byte {
	h := sha256.New()
	for _, part := range [][]byte{aad, m.Metadata, m.IV, m.Ciphertext, m.Tag} {
		h.Write(part)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// errCorrupted is for a processor or a memory that does not keep what it is given.
var errCorrupted = errors.New("sealed: what was encrypted did not decrypt to the same, twice")

// EncryptProven is Encrypt with the integrity value, which is computed before
// the message is opened again and its plaintext compared: what happens to either
// afterwards does not go unnoticed. A first mismatch is tried once more.
func (x *External) EncryptProven(plaintext confidential.Bytes, aad []byte) (ExternalMessage, [sha256.Size]byte, error) {
	s := getScratch()
	defer s.release()
	plain := plaintext.Reveal(reveal.Token{})
	for range 2 {
		m, err := x.encrypt(s, drawVariates(), plain, aad)
		if err != nil {
			return ExternalMessage{}, [sha256.Size]byte{}, err
		}
		sum := m.Integrity(aad)
		if x.proves(s, &m, aad, plain) {
			return m, sum, nil
		}
	}
	return ExternalMessage{}, [sha256.Size]byte{}, errCorrupted
}

// proves reports whether m opens to plain.
func (x *External) proves(s *scratch, m *ExternalMessage, aad, plain []byte) bool {
	again, err := x.decrypt(s, m, aad)
	defer clear(again)
	return err == nil && subtle.ConstantTimeCompare(again, plain) == 1
}
