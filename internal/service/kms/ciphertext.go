package kms

import (
	"errors"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// contents is what a ciphertext says in clear: its key and its material. It is
// empty where there is no ciphertext, or none of ours.
type contents struct{ keyID, material string }

func contentsOf(ciphertext []byte) contents {
	keyID, material, err := sealed.Named(ciphertext)
	if err != nil {
		return contents{}
	}
	return contents{keyID, material}
}

// source finds the key that a decryption is about: the one that is named, else
// the one that the ciphertext names. ciphertext is nil where it is to be ignored.
// The caller learns nothing of a key to which only a ciphertext has led.
func (s *Service) source(c *operation.Call, named optional.Of[string], ciphertext []byte) (*target, error) {
	inside := contentsOf(ciphertext)
	t, err := s.sourceOf(c, named, inside)
	if err != nil {
		return nil, err
	}
	t.inside = inside
	return t, nil
}

func (s *Service) sourceOf(c *operation.Call, named optional.Of[string], inside contents) (*target, error) {
	if !named.Set {
		if inside.keyID == "" {
			return nil, errCiphertext
		}
		return s.blindly(c, inside.keyID)
	}
	t, err := s.keyOrAlias(c, named.V)
	if fault.Is(err, NotFound) && inside.keyID != "" && inside.keyID == named.V {
		// A bare key id names a key of the caller's account, and here one of
		// another account too, as the ciphertext says so.
		return s.blindly(c, inside.keyID)
	}
	return t, err
}

// blindly finds the key of a ciphertext, in whatever account.
func (s *Service) blindly(c *operation.Call, id string) (*target, error) {
	k, err := s.keyToUse(c, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errHidden
	}
	if err != nil {
		return nil, err
	}
	t := &target{service: s, blind: true, owner: k.Account}
	t.holds(c, k)
	return t, nil
}

// opened has the failure of a decryption say nothing of its cause.
func opened(err error) error {
	if errors.Is(err, sealed.ErrCiphertext) {
		return errCiphertext
	}
	return err
}

// needed returns the ciphertext unless it is to be ignored.
func needed(ciphertext []byte, modifiers []string) []byte {
	if len(modifiers) > 0 {
		return nil
	}
	return ciphertext
}

// fits refuses a key that is not the one of the ciphertext, or not one to
// decrypt with.
func (t *target) fits(k *Key, operation string) error {
	if t.inside.keyID != "" && t.inside.keyID != k.ID {
		return errIncorrectKey
	}
	return k.encrypts(operation, t.algorithm)
}

// opener returns the material of k, the key of t, that ciphertext names. There
// is none where the ciphertext is nil, to be ignored.
func (t *target) opener(k *Key, ciphertext []byte) (*sealed.Material, error) {
	m := k.materials[t.inside.material]
	if m == nil && ciphertext != nil {
		return nil, errCiphertext
	}
	return m, nil
}
