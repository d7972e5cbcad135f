package kms

import (
	"crypto/fips140"
	"errors"

	"claviger/internal/ground/sealed"
	"claviger/internal/ground/store"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/confidential"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
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
// the one that the ciphertext names, which only those of symmetric keys do.
// ciphertext is nil where it is to be ignored. The caller learns nothing of a key
// to which only a ciphertext has led.
func (s *Service) source(c *operation.Call, named optional.Of[string], algorithm string, ciphertext []byte) (*target, error) {
	var inside contents
	if algorithm == symmetricDefault {
		inside = contentsOf(ciphertext)
	}
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

// opener returns the material of k, the key of t, that ciphertext names, or the
// one that an asymmetric key has. There is none where the ciphertext is nil, to be
// ignored.
func (t *target) opener(k *Key, ciphertext []byte) (*sealed.Material, error) {
	if k.Spec != symmetricDefault {
		return k.material()
	}
	m := k.materials[t.inside.material]
	if m == nil && ciphertext != nil {
		return nil, errCiphertext
	}
	return m, nil
}

// contextFits refuses an encryption context where nothing would be bound to it.
func (k *Key) contextFits(context pairs.Map) error {
	if len(context) > 0 && k.Spec != symmetricDefault {
		return validation("EncryptionContext is not supported with key spec %s.", k.Spec)
	}
	return nil
}

// plaintextFits refuses n bytes that are too many for an algorithm.
func (k *Key) plaintextFits(algorithm string, n int) error {
	if most := specNamed(k.Spec).plaintextMax(algorithm); n > most {
		return validation("Algorithm %s and key spec %s cannot encrypt data larger than %d bytes.", algorithm, k.Spec, most)
	}
	return nil
}

// newCiphertexts refuses algorithms with which FIPS 140-3 mode lets nothing be
// encrypted any more.
func newCiphertexts(algorithm string) error {
	if fips140.Enabled() && !sealed.ApprovedAlgorithm(algorithm) {
		return notApproved("Encryption with the algorithm " + algorithm + " is")
	}
	return nil
}

// seal encrypts with m, the current material of k.
func (k *Key) seal(c *operation.Call, m *sealed.Material, algorithm string, plaintext confidential.Bytes, context pairs.Map) ([]byte, error) {
	switch {
	case k.inStore():
		return k.sealTwice(c, m, plaintext, context)
	case k.Spec == symmetricDefault:
		return m.Encrypt(nil, plaintext, context)
	}
	return m.EncryptPublic(algorithm, plaintext)
}

// open decrypts with m, a material of k.
func (k *Key) open(c *operation.Call, m *sealed.Material, algorithm string, ciphertext []byte, bound pairs.Map) (confidential.Bytes, error) {
	switch {
	case k.inStore():
		return k.openTwice(c, m, ciphertext, bound)
	case k.Spec == symmetricDefault:
		return m.Decrypt(ciphertext, bound)
	}
	plaintext, err := m.DecryptPrivate(c.Context, algorithm, ciphertext)
	if err == nil && plaintext.Len() == 0 { // which nothing here encrypts, and no answer carries
		return confidential.Bytes{}, errCiphertext
	}
	return plaintext, err
}

// materialID is a material's id as answers have it: only those of symmetric keys
// do, but for keys in custom key stores, of which it is only a half.
func (r *keyRecord) materialID(id string) optional.Of[string] {
	return optional.Of[string]{V: id, Set: id != "" && r.Spec == symmetricDefault && !r.inStore()}
}

// showMaterial has the record of a call name the material that was used, as
// answers do.
func (r *keyRecord) showMaterial(c *operation.Call, name, id string) {
	if shown := r.materialID(id); shown.Set {
		c.ShowAdditional(name, shown.V)
	}
}
