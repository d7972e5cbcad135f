package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
)

// A sealedDocument is a document on the shelf.
type sealedDocument struct {
	DataKey []byte // sealed under the customer's key
	Text    []byte // AES-256-GCM under the data key, the nonce in front
}

// seal seals a document under a key of its own, which the customer's key seals.
func (s *Server) seal(ctx context.Context, v *vault, id string, text []byte) ([]byte, error) {
	key, sealedKey, err := s.newDataKey(ctx, v, id)
	if err != nil {
		return nil, err
	}
	aead, err := takeKey(key)
	if err != nil {
		return nil, err
	}
	return json.Marshal(sealedDocument{sealedKey, aead.Seal(nil, nil, text, associated(v, id))})
}

// open is the reverse of seal. The key is asked for each time: a document is
// readable as long as the customer says so, and no longer.
func (s *Server) open(ctx context.Context, v *vault, id string, sealed []byte) ([]byte, error) {
	var d sealedDocument
	if err := json.Unmarshal(sealed, &d); err != nil {
		return nil, fmt.Errorf("reading document %s of %s: %w", id, v.ARN, err)
	}
	key, err := s.dataKey(ctx, v, id, d.DataKey)
	if err != nil {
		return nil, err
	}
	aead, err := takeKey(key)
	if err != nil {
		return nil, err
	}
	text, err := aead.Open(nil, nil, d.Text, associated(v, id))
	if err != nil {
		return nil, fmt.Errorf("opening document %s of %s: it is not what was sealed", id, v.ARN)
	}
	return text, nil
}

// takeKey makes a cipher of a data key and wipes the key.
func takeKey(key []byte) (cipher.AEAD, error) {
	defer clear(key)
	if len(key) != 32 {
		return nil, errors.New("a data key has the wrong length")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("making a cipher: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// associated is what a document must be read as: this one, of this vault. Neither
// name can hold the separator.
func associated(v *vault, id string) []byte { return []byte(v.ARN + "\n" + id) }
