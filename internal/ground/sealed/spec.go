package sealed

import (
	"context"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"

	"claviger/internal/ground/sealed/mldsamu"
	"claviger/internal/words/confidential"

	"filippo.io/mldsa"
)

var (
	// ErrMaterial means that imported bytes are no key material of the spec.
	ErrMaterial = errors.New("sealed: not key material of the spec")
	// ErrPublicKey means that a public key of somebody else is not one that the
	// key can agree with.
	ErrPublicKey = errors.New("sealed: not a public key of the same curve")
)

// symmetricDefault is the spec of 256-bit symmetric encryption keys, the one
// kind of material that derives (see derive.go).
const symmetricDefault = "SYMMETRIC_DEFAULT"

// A spec is a kind of private key: how one is drawn, read back from where it was
// kept, and taken over from outside. Names are those of the public model.
// https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
type spec struct {
	name string

	// draw makes a new private key.
	draw func(context.Context) (private, error)

	// read makes a private key of what its encode wrote.
	read func(encoded []byte) (private, error)

	// take makes a private key of imported bytes: PKCS#8 (RFC 5208), or the key
	// itself for MACs. nil where the spec can't be imported.
	take func(material []byte) (private, error)
}

// specs are all kinds of private keys.
var specs = []spec{
	rsaSpec("RSA_2048", 2048),
	rsaSpec("RSA_3072", 3072),
	rsaSpec("RSA_4096", 4096),
	nistSpec("ECC_NIST_P256", asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, elliptic.P256(), sha256.New),
	nistSpec("ECC_NIST_P384", asn1.ObjectIdentifier{1, 3, 132, 0, 34}, elliptic.P384(), sha512.New384),
	nistSpec("ECC_NIST_P521", asn1.ObjectIdentifier{1, 3, 132, 0, 35}, elliptic.P521(), sha512.New),
	koblitzSpec,
	edwardsSpec,
	sm2Spec,
	latticeSpec("ML_DSA_44", 17, mldsa.MLDSA44(), mldsamu.MLDSA44),
	latticeSpec("ML_DSA_65", 18, mldsa.MLDSA65(), mldsamu.MLDSA65),
	latticeSpec("ML_DSA_87", 19, mldsa.MLDSA87(), mldsamu.MLDSA87),
	kemSpec("ML_KEM_512", 1, expand512),
	kemSpec("ML_KEM_768", 2, expand768),
	kemSpec("ML_KEM_1024", 3, expand1024),
	macSpec("HMAC_224", sha256.New224),
	macSpec("HMAC_256", sha256.New),
	macSpec("HMAC_384", sha512.New384),
	macSpec("HMAC_512", sha512.New),
}

// A private key, whatever its kind. What it can do, it says by the interfaces
// below.
type private interface {
	// encode returns the form in which the key is wrapped. The caller wipes it.
	encode() []byte
}

// The abilities of private keys. Algorithms have the names of the public model;
// one that the key does not have is an error of the program, not of the caller.
type (
	hasPublic interface {
		// spki returns the public key as SubjectPublicKeyInfo in DER (RFC 5280).
		spki() []byte
	}
	signer interface {
		sign(ctx context.Context, algorithm string, form Form, message []byte) ([]byte, error)
		verify(algorithm string, form Form, message, signature []byte) bool
	}
	authenticator interface {
		mac(algorithm string, message []byte) []byte
	}
	opener interface {
		seal(algorithm string, plaintext []byte) ([]byte, error)
		open(ctx context.Context, algorithm string, ciphertext []byte) ([]byte, error)
	}
	agreer interface {
		agree(peer []byte) ([]byte, error)
	}
	encapsulator interface {
		encapsulate() (secret, ciphertext []byte)
		decapsulate(ciphertext []byte) ([]byte, error)
	}
)

// Form says what the message of a signature is.
type Form string

// The forms of messages.
const (
	Raw        Form = "RAW"         // the message itself
	Digest     Form = "DIGEST"      // its hash, of the algorithm's length
	ExternalMu Form = "EXTERNAL_MU" // the µ of ML-DSA (FIPS 204 §6.2), 64 bytes
)

// specNamed finds a spec that may be used.
func specNamed(name string) (spec, error) {
	i := slices.IndexFunc(specs, func(s spec) bool { return s.name == name })
	if i < 0 {
		return spec{}, fmt.Errorf("sealed: no private keys of the spec %q", name)
	}
	if err := approve(Approved(name)); err != nil {
		return spec{}, fmt.Errorf("keys of the spec %s: %w", name, err)
	}
	return specs[i], nil
}

// NewKeyPair draws a key pair that is not kept: the private key as PKCS#8 in DER
// (RFC 5958) and the public key as SubjectPublicKeyInfo.
func NewKeyPair(ctx context.Context, name string) (confidential.Bytes, []byte, error) {
	s, err := specNamed(name)
	if err != nil {
		return confidential.Bytes{}, nil, err
	}
	p, err := s.draw(ctx)
	if err != nil {
		return confidential.Bytes{}, nil, err
	}
	pair, ok := p.(interface {
		hasPublic
		pkcs8() []byte
	})
	if !ok {
		return confidential.Bytes{}, nil, fmt.Errorf("sealed: %s has no key pairs", name)
	}
	return confidential.New(pair.pkcs8()), pair.spki(), nil
}
