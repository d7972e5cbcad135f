package session

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"claviger/internal/ground/sealed"
	"claviger/internal/words/confidential"
	"claviger/internal/words/ident"
)

const (
	// TokenMax bounds a token, in characters. It leaves room for a session with
	// all the tags and policies that it may have.
	TokenMax = 16 << 10

	plainMax = 64 << 10 // of what a token says, in bytes
)

// ErrToken is the one answer to everything that is no token of the access key.
var ErrToken = errors.New("session: not a token of this access key")

// ErrTooLarge says that a session has more to say than a token can carry.
var ErrTooLarge = errors.New("session: too large for a token")

// Tokens makes and reads session tokens. It is safe for concurrent use.
type Tokens struct {
	tokens  *sealed.Secret
	secrets *sealed.Secret
}

// NewTokens returns the tokens of an installation.
func NewTokens(k *sealed.Keyring) *Tokens {
	return &Tokens{tokens: k.Secret("session/token"), secrets: k.Secret("session/secret")}
}

// Draw draws the access key id of new temporary credentials.
func Draw() string { return ident.Unique("ASIA", 20) }

// SecretAccessKey derives the secret of temporary credentials from their access
// key id: 40 characters, of which nothing is known without the installation's
// secret.
func (t *Tokens) SecretAccessKey(accessKeyID string) confidential.Bytes {
	sum := t.secrets.Hash([]byte(accessKeyID))
	text := make([]byte, 0, 44)
	text = base64.StdEncoding.AppendEncode(text, sum[:])
	clear(sum[:])
	return confidential.New(text[:40])
}

// Seal makes the token of s. The error is ErrTooLarge.
func (t *Tokens) Seal(accessKeyID string, s *Session) (string, error) {
	return t.SealPadded(accessKeyID, s, 0)
}

// SealPadded is Seal for a token of at least min characters, and one more where
// Base64 spells nothing in so many.
func (t *Tokens) SealPadded(accessKeyID string, s *Session, min int) (string, error) {
	plain, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("encoding a session: %w", err)
	}
	if len(plain) > plainMax {
		return "", ErrTooLarge
	}
	packed := pack(plain)
	token := t.tokens.Seal([]byte(accessKeyID), packed)
	if have, want := base64.RawURLEncoding.DecodedLen(len(token)), (6*min+2)/8; have < want && min <= TokenMax {
		// What follows the end of the packed text is not read.
		token = t.tokens.Seal([]byte(accessKeyID), append(packed, make([]byte, want-have)...))
	}
	if len(token) > TokenMax {
		return "", ErrTooLarge
	}
	return token, nil
}

// Open reads a token. Every failure is ErrToken. Whether the session has ended
// is for the caller to ask.
func (t *Tokens) Open(accessKeyID, token string) (*Session, error) {
	if len(token) > TokenMax {
		return nil, ErrToken
	}
	packed, err := t.tokens.Open([]byte(accessKeyID), token)
	if err != nil {
		return nil, ErrToken
	}
	plain, err := unpack(packed)
	if err != nil {
		return nil, ErrToken
	}
	s := new(Session)
	if err := json.Unmarshal(plain, s); err != nil {
		return nil, ErrToken
	}
	return s, nil
}

// pack compresses: policies and tags have much in common. Nothing secret stands
// beside them, so that its length tells nothing.
func pack(plain []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		panic("session: " + err.Error()) // the level is a constant
	}
	_, _ = w.Write(plain) // a Buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

func unpack(packed []byte) ([]byte, error) {
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), plainMax+1))
	if err != nil {
		return nil, err
	}
	if len(plain) > plainMax {
		return nil, ErrTooLarge
	}
	return plain, nil
}
