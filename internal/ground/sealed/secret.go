package sealed

import (
	"encoding/base64"
	"strings"

	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

// A Secret is a key of the server's own use, such as that of page tokens.
type Secret struct {
	key  *key
	hash *key
}

// tokenPrefix is the version of a token's format.
var tokenPrefix = []byte{1}

// tokens refuses the second spelling that a text without padding may have.
var tokens = base64.RawURLEncoding.Strict()

// Secret derives the installation's own secret for a purpose: the same in every
// process of the installation.
func (k *Keyring) Secret(purpose string) *Secret {
	key := k.master.child(labelSecret, []byte(purpose))
	return &Secret{key: key, hash: key.child(labelHash, nil)}
}

// Seal seals a short token bound to associated; the result is URL-safe Base64
// without padding.
func (s *Secret) Seal(associated, plaintext []byte) string {
	return tokens.EncodeToString(s.seal(associated, plaintext))
}

func (s *Secret) seal(associated, plaintext []byte) []byte {
	dst := make([]byte, 0, boxSize(len(tokenPrefix), len(plaintext)))
	return s.key.box(labelToken, dst, tokenPrefix, drawVariates(), associated, plaintext)
}

func (s *Secret) open(associated, box []byte) ([]byte, error) {
	dst := make([]byte, 0, max(0, len(box)-boxSize(len(tokenPrefix), 0)))
	return s.key.unbox(labelToken, dst, tokenPrefix, associated, box)
}

// Open opens what Seal sealed; every failure is ErrCiphertext.
func (s *Secret) Open(associated []byte, token string) ([]byte, error) {
	if strings.ContainsAny(token, "\r\n") { // the decoder would skip them
		return nil, ErrCiphertext
	}
	box, err := tokens.DecodeString(token)
	if err != nil {
		return nil, ErrCiphertext
	}
	return s.open(associated, box)
}

// Keep seals a secret of others, such as the password of a token, for a record.
func (s *Secret) Keep(associated []byte, b confidential.Bytes) string {
	return s.Seal(associated, b.Reveal(reveal.Token{}))
}

// Kept opens what Keep sealed; every failure is ErrCiphertext.
func (s *Secret) Kept(associated []byte, kept string) (confidential.Bytes, error) {
	b, err := s.Open(associated, kept)
	if err != nil {
		return confidential.Bytes{}, err
	}
	return confidential.New(b), nil
}

// Hash is a keyed hash (HMAC-SHA-256) of b.
func (s *Secret) Hash(b []byte) [32]byte {
	w := getScratch()
	defer w.release()
	s.hash.mac(w, b, &w.derived)
	return w.derived
}
