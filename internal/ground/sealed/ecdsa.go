package sealed

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"hash"

	"claviger/internal/ground/sealed/pkcs8"
)

// nistKey is a private key on a NIST curve, for ECDSA (FIPS 186-5) or for ECDH
// (NIST SP 800-56A).
type nistKey struct {
	key  *ecdsa.PrivateKey
	hash func() hash.Hash // of the curve's one signing algorithm
}

func nistSpec(name string, oid asn1.ObjectIdentifier, curve elliptic.Curve, h func() hash.Hash) spec {
	size := (curve.Params().BitSize + 7) / 8
	read := func(b []byte) (private, error) {
		scalar, point, err := pkcs8.ParseEC(b, oid, size)
		if err != nil {
			return nil, ErrMaterial
		}
		defer clear(scalar)
		key, err := ecdsa.ParseRawPrivateKey(curve, scalar) // from 1 to n−1
		if err != nil {
			return nil, ErrMaterial
		}
		if uncompressed, err := key.PublicKey.Bytes(); err != nil || point != nil && !pkcs8.SamePoint(point, uncompressed) {
			return nil, ErrMaterial
		}
		return &nistKey{key, h}, nil
	}
	return spec{
		name: name,
		draw: func(context.Context) (private, error) {
			key, err := ecdsa.GenerateKey(curve, rand.Reader)
			if err != nil {
				return nil, fmt.Errorf("sealed: drawing a key of the spec %s: %w", name, err)
			}
			return &nistKey{key, h}, nil
		},
		read: read,
		take: read,
	}
}

func (k *nistKey) encode() []byte { return k.pkcs8() }

func (k *nistKey) pkcs8() []byte {
	b, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		panic("sealed: " + err.Error())
	}
	return b
}

func (k *nistKey) spki() []byte {
	b, err := x509.MarshalPKIXPublicKey(&k.key.PublicKey)
	if err != nil {
		panic("sealed: " + err.Error())
	}
	return b
}

func (k *nistKey) digest(form Form, message []byte) []byte {
	if form == Digest {
		return message
	}
	h := k.hash()
	h.Write(message)
	return h.Sum(nil)
}

// sign returns the signature as a DER SEQUENCE of two INTEGERs (RFC 3279 §2.2.3).
func (k *nistKey) sign(_ context.Context, _ string, form Form, message []byte) ([]byte, error) {
	return ecdsa.SignASN1(rand.Reader, k.key, k.digest(form, message))
}

func (k *nistKey) verify(_ string, form Form, message, signature []byte) bool {
	return ecdsa.VerifyASN1(&k.key.PublicKey, k.digest(form, message), signature)
}

func (k *nistKey) agree(peer []byte) ([]byte, error) {
	parsed, err := x509.ParsePKIXPublicKey(peer)
	if err != nil {
		return nil, ErrPublicKey
	}
	public, ok := parsed.(*ecdsa.PublicKey)
	if !ok || public.Curve != k.key.Curve {
		return nil, ErrPublicKey
	}
	theirs, err := public.ECDH()
	if err != nil {
		return nil, ErrPublicKey
	}
	ours, err := k.key.ECDH()
	if err != nil {
		return nil, fmt.Errorf("sealed: %w", err)
	}
	secret, err := ours.ECDH(theirs)
	if err != nil {
		return nil, ErrPublicKey
	}
	return secret, nil
}
