package iam

import (
	"crypto/rand"
	"encoding/json"

	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

// A secret is a secret access key as the body of a record holds it. The store
// seals bodies, so only there it is spelled out; everywhere else it prints a mask.
type secret struct {
	confidential.Bytes
}

// MarshalJSON writes the secret into the body of a record.
func (s secret) MarshalJSON() ([]byte, error) {
	return json.Marshal(s.Reveal(reveal.Token{}))
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *secret) UnmarshalJSON(b []byte) error {
	var plain []byte
	if err := json.Unmarshal(b, &plain); err != nil {
		return err
	}
	s.Bytes = confidential.New(plain)
	return nil
}

// drawSecret draws a secret access key: 40 characters, 240 bits.
func drawSecret() confidential.Bytes {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	b := make([]byte, 40)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	for i := range b {
		b[i] = alphabet[b[i]&63]
	}
	return confidential.New(b)
}
