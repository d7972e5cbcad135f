package sealed

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"claviger/internal/ground/sealed/kwp"
	"claviger/internal/words/confidential"
)

// A WrappingKey is the private half of a pair under whose public half key
// material is wrapped on its way here (GetParametersForImport).
type WrappingKey struct {
	spec    string
	private hidden
}

// wrappingPrefix is the version of the sealed form of wrapping keys.
var wrappingPrefix = []byte{1}

// NewWrappingKey draws a pair of one of the specs RSA_2048, RSA_3072, RSA_4096 and
// SM2. It takes long, and waits its turn at most until ctx ends.
func NewWrappingKey(ctx context.Context, name string) (*WrappingKey, error) {
	s, err := wrappingSpec(name)
	if err != nil {
		return nil, err
	}
	p, err := s.draw(ctx)
	if err != nil {
		return nil, err
	}
	return &WrappingKey{name, hide(p)}, nil
}

func wrappingSpec(name string) (spec, error) {
	if name != "SM2" && !strings.HasPrefix(name, "RSA_") {
		return spec{}, fmt.Errorf("sealed: nothing is wrapped with keys of the spec %q", name)
	}
	return specNamed(name)
}

// PublicKey returns the public key as SubjectPublicKeyInfo in DER.
func (w *WrappingKey) PublicKey() []byte { return w.private.get().(hasPublic).spki() }

// SealWrappingKey returns the pair in a form that can be kept, or given away in a
// token: sealed under the key of an account and bound to associated, which
// OpenWrappingKey must be given again. That of RSA_4096 has up to 2,450 bytes.
func (k *Keyring) SealWrappingKey(account string, associated []byte, w *WrappingKey) ([]byte, error) {
	key, prefix, err := k.sealing(account, wrappingPrefix)
	if err != nil {
		return nil, err
	}
	encoded := w.private.get().encode()
	defer clear(encoded)
	plaintext := append(appendField(make([]byte, 0, 2+len(w.spec)+len(encoded)), w.spec), encoded...)
	defer clear(plaintext)
	dst := make([]byte, 0, boxSize(len(prefix), len(plaintext)))
	return key.box(labelImport, dst, prefix, drawVariates(), associated, plaintext), nil
}

// OpenWrappingKey opens what SealWrappingKey sealed, else ErrCiphertext.
func (k *Keyring) OpenWrappingKey(account string, associated, sealed []byte) (*WrappingKey, error) {
	key, prefix, err := k.opening(account, wrappingPrefix, sealed)
	if err != nil {
		return nil, err
	}
	plaintext, err := key.unbox(labelImport, nil, prefix, associated, sealed)
	if err != nil {
		return nil, err
	}
	defer clear(plaintext)
	name, encoded, ok := cutField(plaintext)
	if !ok {
		return nil, ErrCiphertext
	}
	s, err := wrappingSpec(name)
	if err != nil {
		return nil, err
	}
	p, err := s.read(encoded)
	if err != nil {
		return nil, fmt.Errorf("sealed: reading a wrapping key of the spec %s: %w", name, err)
	}
	return &WrappingKey{name, hide(p)}, nil
}

// Unwrap opens material that was wrapped with one of the algorithms
// RSAES_OAEP_SHA_1, RSAES_OAEP_SHA_256, RSA_AES_KEY_WRAP_SHA_1,
// RSA_AES_KEY_WRAP_SHA_256 and SM2PKE, the last for SM2 and the others for RSA.
// Whatever is wrong with wrapped, the error is ErrCiphertext.
func (w *WrappingKey) Unwrap(ctx context.Context, algorithm string, wrapped []byte) (confidential.Bytes, error) {
	material, err := w.unwrap(ctx, algorithm, wrapped)
	if err != nil {
		return confidential.Bytes{}, err
	}
	return confidential.New(material), nil
}

func (w *WrappingKey) unwrap(ctx context.Context, algorithm string, wrapped []byte) ([]byte, error) {
	if (algorithm == "SM2PKE") != (w.spec == "SM2") {
		return nil, fmt.Errorf("sealed: %s does not unwrap %s", w.spec, algorithm)
	}
	hash, ok := strings.CutPrefix(algorithm, "RSA_AES_KEY_WRAP_")
	if !ok {
		return w.private.get().(opener).open(ctx, algorithm, wrapped)
	}
	k := w.private.get().(*rsaKey)
	// An AES key under OAEP, then the material under the AES key, as PKCS #11
	// has it (CKM_RSA_AES_KEY_WRAP, version 2.40 §2.1.21).
	if len(wrapped) < k.key.Size() {
		return nil, ErrCiphertext
	}
	under, material := wrapped[:k.key.Size()], wrapped[k.key.Size():]
	kek, err := k.open(ctx, "RSAES_OAEP_"+hash, under)
	if errors.Is(err, ErrCiphertext) {
		// The second half of the work is done all the same, so that time does
		// not tell which half failed.
		kek = make([]byte, keySize)
		_, _ = rand.Read(kek)
	} else if err != nil {
		return nil, err
	}
	defer clear(kek)
	opened, wrong := kwp.Unwrap(kek, material)
	if err != nil || wrong != nil {
		clear(opened)
		return nil, ErrCiphertext
	}
	return opened, nil
}
