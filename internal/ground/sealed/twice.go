package sealed

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"claviger/internal/ground/sealed/blob"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/pairs"
)

// An Outer is the outer layer of a ciphertext, which somebody else has made.
type Outer = blob.Outer

// Limits of an outer layer in bytes.
const (
	OuterIVMax       = blob.OuterIVMax
	OuterMetadataMax = blob.OuterMetadataMax
	TagSize          = blob.TagSize
)

// An Inner is a ciphertext that is to be encrypted once more, by somebody who is
// trusted with neither the plaintext nor the integrity of what comes back.
type Inner struct {
	header []byte
	body   []byte
}

// EncryptInner seals at most 4096 bytes under context, for an outer layer around it.
func (m *Material) EncryptInner(plaintext confidential.Bytes, context pairs.Map) (*Inner, error) {
	p := plaintext.Reveal(reveal.Token{})
	if len(p) > MaxPlaintext {
		return nil, fmt.Errorf("sealed: plaintext of %d bytes, more than %d", len(p), MaxPlaintext)
	}
	s := getScratch()
	defer s.release()
	b := m.sealInner(s, drawVariates(), p, context)
	if b == nil {
		return nil, errContext
	}
	return &Inner{header: b[:blob.HeaderSize:blob.HeaderSize], body: b[blob.HeaderSize:]}, nil
}

func (m *Material) sealInner(s *scratch, v variates, plaintext []byte, context pairs.Map) []byte {
	b := make([]byte, 0, blob.Overhead+len(plaintext))
	b = append(b, m.prefix...)
	b = append(b, v[:]...)
	blob.MarkTwice(b)
	if err := s.associate(b, context); err != nil {
		return nil
	}
	return m.key.seal(s, labelMessage, b, plaintext)
}

// Body is what the outer layer encrypts: the ciphertext and its tag. It says
// nothing of the plaintext but its length.
func (i *Inner) Body() []byte { return i.body }

// Blob is the whole ciphertext, with its outer layer.
func (i *Inner) Blob(o *Outer) []byte { return blob.AppendOuter(bytes.Clone(i.header), o) }

// SplitOuter returns the outer layer of a ciphertext, and what is needed to open
// the inner one. ErrCiphertext where there is none.
func SplitOuter(ciphertext []byte) (*Inner, *Outer, error) {
	header, o, err := blob.SplitTwice(ciphertext)
	if err != nil {
		return nil, nil, ErrCiphertext
	}
	return &Inner{header: header}, &o, nil
}

// DecryptInner opens what is left of a ciphertext once its outer layer is gone.
// Every failure is ErrCiphertext.
func (m *Material) DecryptInner(i *Inner, body []byte, context pairs.Map) (confidential.Bytes, error) {
	if !m.made(i) || len(body) < TagSize || len(body) > blob.InnerMax {
		return confidential.Bytes{}, ErrCiphertext
	}
	s := getScratch()
	defer s.release()
	if err := s.associate(i.header, context); err != nil {
		return confidential.Bytes{}, ErrCiphertext
	}
	plaintext, err := m.key.open(s, labelMessage, make([]byte, 0, len(body)-TagSize), i.header, body)
	if err != nil {
		return confidential.Bytes{}, err
	}
	return confidential.New(plaintext), nil
}

// made reports whether a header names this key and material.
func (m *Material) made(i *Inner) bool {
	prefix := bytes.Clone(m.prefix)
	blob.MarkTwice(prefix)
	return bytes.HasPrefix(i.header, prefix)
}

// OuterContext is what the outer layer of a ciphertext is bound to: the canonical
// encryption context and the key, or their SHA-256 where they are longer than
// what external key stores are guaranteed to take.
func OuterContext(context pairs.Map, keyID string) ([]byte, error) {
	b, err := appendContext(nil, context)
	if err != nil {
		return nil, err
	}
	if b = appendField(b, keyID); len(b) > MaxContext {
		sum := sha256.Sum256(b)
		b = sum[:]
	}
	return b, nil
}
