package sealed

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"

	"claviger/internal/ground/sealed/blob"
	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
	"claviger/internal/words/pairs"
)

// MaxPlaintext is the greatest number of bytes that Encrypt seals.
const MaxPlaintext = blob.MaxPlaintext

// Encrypt seals at most 4096 bytes under context and appends the blob to dst.
// The plaintext must not lie in dst's spare capacity.
func (m *Material) Encrypt(dst []byte, plaintext confidential.Bytes, context pairs.Map) ([]byte, error) {
	s := getScratch()
	defer s.release()
	return m.encrypt(s, dst, drawVariates(), plaintext.Reveal(reveal.Token{}), context)
}

func (m *Material) encrypt(s *scratch, dst []byte, v variates, plaintext []byte, context pairs.Map) ([]byte, error) {
	if len(plaintext) > MaxPlaintext {
		return nil, fmt.Errorf("sealed: plaintext of %d bytes, more than %d", len(plaintext), MaxPlaintext)
	}
	dst = slices.Grow(dst, blob.Overhead+len(plaintext))
	start := len(dst)
	dst = append(dst, m.prefix...)
	dst = append(dst, v[:]...)
	if err := s.associate(dst[start:], context); err != nil {
		return nil, err
	}
	return m.key.seal(s, labelMessage, dst, plaintext), nil
}

// associate makes header || canonical context the associated data.
func (s *scratch) associate(header []byte, context pairs.Map) error {
	associated, err := appendContext(append(s.associated[:0], header...), context)
	if err == nil {
		s.associated = associated
	}
	return err
}

// Decrypt opens a blob that names this key and material. Every failure is ErrCiphertext.
func (m *Material) Decrypt(ciphertext []byte, context pairs.Map) (confidential.Bytes, error) {
	s := getScratch()
	defer s.release()
	room := min(max(0, len(ciphertext)-blob.Overhead), MaxPlaintext)
	plaintext, err := m.decrypt(s, make([]byte, 0, room), ciphertext, context)
	if err != nil {
		return confidential.Bytes{}, err
	}
	return confidential.New(plaintext), nil
}

// decrypt appends the plaintext to dst.
func (m *Material) decrypt(s *scratch, dst, ciphertext []byte, context pairs.Map) ([]byte, error) {
	header, body, err := blob.Split(ciphertext)
	if err != nil || !bytes.HasPrefix(header, m.prefix) {
		return nil, ErrCiphertext
	}
	if err := s.associate(header, context); err != nil {
		return nil, ErrCiphertext
	}
	return m.key.open(s, labelMessage, dst, header, body)
}

// ReEncrypt opens a blob under m and seals its plaintext under to, which may be
// m. It appends the new blob to dst, which must not share memory with
// ciphertext. A failure to open is ErrCiphertext.
func (m *Material) ReEncrypt(dst []byte, ciphertext []byte, context pairs.Map, to *Material, toContext pairs.Map) ([]byte, error) {
	s := getScratch()
	defer s.release()
	plaintext, err := m.decrypt(s, s.plaintext[:0], ciphertext, context)
	if err != nil {
		return nil, err
	}
	s.plaintext = plaintext // wiped by release
	return to.encrypt(s, dst, drawVariates(), plaintext, toContext)
}

// Named returns the key and the material that a blob names, without opening it.
func Named(ciphertext []byte) (keyID, materialID string, err error) {
	h, err := blob.Peek(ciphertext)
	if err != nil {
		return "", "", ErrCiphertext
	}
	return h.KeyID, hex.EncodeToString(h.MaterialID[:]), nil
}
