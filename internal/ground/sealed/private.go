package sealed

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

// privatePrefix is the version of the wrapped form of private keys, which are
// of any length.
var privatePrefix = []byte{2}

// hidden is a private key behind a function, because fmt prints what pointers
// inside of structs point to when it is given a verb that does not fit.
type hidden func() private

func hide(p private) hidden { return func() private { return p } }

// get returns nil where there is no key.
func (h hidden) get() private {
	if h == nil {
		return nil
	}
	return h()
}

// wrapPrivate makes material of a private key.
func (k *Keyring) wrapPrivate(b Binding, p private) (*Material, []byte, error) {
	account, prefix, err := k.sealing(b.Account, privatePrefix)
	if err != nil {
		return nil, nil, err
	}
	encoded := p.encode()
	defer clear(encoded)
	m, err := newPrivate(&b, p, encoded)
	if err != nil {
		return nil, nil, err
	}
	dst := make([]byte, 0, boxSize(len(prefix), len(encoded)))
	return m, account.box(labelMaterial, dst, prefix, drawVariates(), k.materialBinding(&b), encoded), nil
}

// unwrapPrivate opens wrapped material of a private key.
func (k *Keyring) unwrapPrivate(b Binding, wrapped []byte) (*Material, error) {
	if err := approve(Approved(b.Spec)); err != nil {
		return nil, err
	}
	account, prefix, err := k.opening(b.Account, privatePrefix, wrapped)
	if err != nil {
		return nil, err
	}
	encoded, err := account.unbox(labelMaterial, nil, prefix, k.materialBinding(&b), wrapped)
	if err != nil {
		return nil, err
	}
	defer clear(encoded)
	s, err := specNamed(b.Spec)
	if err != nil {
		return nil, err
	}
	p, err := s.read(encoded)
	if err != nil {
		return nil, fmt.Errorf("sealed: reading a private key of the spec %s: %w", b.Spec, err)
	}
	return newPrivate(&b, p, encoded)
}

// newPrivate derives the material's id, as that of a symmetric key, from the
// hash of its encoded form.
func newPrivate(b *Binding, p private, encoded []byte) (*Material, error) {
	sum := sha256.Sum256(encoded)
	m, err := newMaterial(b, takeKey(sum[:]))
	if err != nil {
		return nil, err
	}
	return &Material{id: m.id, private: hide(p)}, nil
}

// able returns the ability A of the material's private key.
func able[A any](m *Material) (A, error) {
	a, ok := m.private.get().(A)
	if !ok {
		return a, fmt.Errorf("sealed: material %s is of another kind", m.id)
	}
	return a, nil
}

// PublicKey returns the public key as SubjectPublicKeyInfo in DER (RFC 5280). It
// is an error to ask it of symmetric and MAC keys.
func (m *Material) PublicKey() ([]byte, error) {
	p, err := able[hasPublic](m)
	if err != nil {
		return nil, err
	}
	return p.spki(), nil
}

// Sign signs a message of at most 4096 bytes, or its digest.
func (m *Material) Sign(ctx context.Context, algorithm string, form Form, message confidential.Bytes) ([]byte, error) {
	p, err := able[signer](m)
	if err != nil {
		return nil, err
	}
	return p.sign(ctx, algorithm, form, message.Reveal(reveal.Token{}))
}

// Verify reports whether a signature is one of this key.
func (m *Material) Verify(algorithm string, form Form, message confidential.Bytes, signature []byte) (bool, error) {
	p, err := able[signer](m)
	if err != nil {
		return false, err
	}
	return p.verify(algorithm, form, message.Reveal(reveal.Token{}), signature), nil
}

// MAC returns the full-length HMAC (RFC 2104) of a message.
func (m *Material) MAC(algorithm string, message confidential.Bytes) ([]byte, error) {
	p, err := able[authenticator](m)
	if err != nil {
		return nil, err
	}
	return p.mac(algorithm, message.Reveal(reveal.Token{})), nil
}

// VerifyMAC reports whether mac is the MAC of a message, in a time that does not
// depend on where they differ.
func (m *Material) VerifyMAC(algorithm string, message confidential.Bytes, mac []byte) (bool, error) {
	want, err := m.MAC(algorithm, message)
	if err != nil {
		return false, err
	}
	return hmac.Equal(want, mac), nil
}

// EncryptPublic encrypts with the public key. The plaintext must fit the algorithm.
func (m *Material) EncryptPublic(algorithm string, plaintext confidential.Bytes) ([]byte, error) {
	p, err := able[opener](m)
	if err != nil {
		return nil, err
	}
	return p.seal(algorithm, plaintext.Reveal(reveal.Token{}))
}

// DecryptPrivate opens what was encrypted with the public key, here or
// elsewhere. Every failure is ErrCiphertext.
func (m *Material) DecryptPrivate(ctx context.Context, algorithm string, ciphertext []byte) (confidential.Bytes, error) {
	p, err := able[opener](m)
	if err != nil {
		return confidential.Bytes{}, err
	}
	plaintext, err := p.open(ctx, algorithm, ciphertext)
	if err != nil {
		return confidential.Bytes{}, err
	}
	return confidential.New(plaintext), nil
}

// Agree derives the shared secret of this key and a peer's public key
// (SubjectPublicKeyInfo in DER): the x coordinate, of the field's length, as of
// NIST SP 800-56A §5.7.1.2. ErrPublicKey where the peer's is no key of the curve.
func (m *Material) Agree(peer []byte) (confidential.Bytes, error) {
	p, err := able[agreer](m)
	if err != nil {
		return confidential.Bytes{}, err
	}
	secret, err := p.agree(peer)
	if err != nil {
		return confidential.Bytes{}, err
	}
	return confidential.New(secret), nil
}

// Encapsulate draws a shared secret of 32 bytes for this key's public key (FIPS 203).
func (m *Material) Encapsulate() (secret confidential.Bytes, ciphertext []byte, err error) {
	p, err := able[encapsulator](m)
	if err != nil {
		return confidential.Bytes{}, nil, err
	}
	shared, ciphertext := p.encapsulate()
	return confidential.New(shared), ciphertext, nil
}

// Decapsulate recovers the shared secret of a ciphertext. One of the wrong length
// is ErrCiphertext; any other that was not made for this key yields a secret
// that nobody has (implicit rejection, FIPS 203 §6.3).
func (m *Material) Decapsulate(ciphertext []byte) (confidential.Bytes, error) {
	p, err := able[encapsulator](m)
	if err != nil {
		return confidential.Bytes{}, err
	}
	secret, err := p.decapsulate(ciphertext)
	if err != nil {
		return confidential.Bytes{}, err
	}
	return confidential.New(secret), nil
}
