package sealed

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"fmt"
	"hash"

	"claviger/internal/ground/sealed/pkcs8"
)

// nistKey is a private key on a NIST curve, for ECDSA (FIPS 186-5) or for ECDH
// (NIST SP 800-56A).
type nistKey struct {
	oid  asn1.ObjectIdentifier
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
		k := &nistKey{oid, key, h}
		if point != nil && !pkcs8.SamePoint(point, k.point()) {
			return nil, ErrMaterial
		}
		return k, nil
	}
	return spec{
		name: name,
		draw: func(context.Context) (private, error) {
			key, err := ecdsa.GenerateKey(curve, rand.Reader)
			if err != nil {
				return nil, fmt.Errorf("sealed: drawing a key of the spec %s: %w", name, err)
			}
			return &nistKey{oid, key, h}, nil
		},
		read: read,
		take: read,
	}
}

func (k *nistKey) encode() []byte { return k.pkcs8() }

func (k *nistKey) pkcs8() []byte {
	scalar, err := k.key.Bytes()
	if err != nil {
		panic("sealed: " + err.Error())
	}
	defer clear(scalar)
	return pkcs8.MarshalEC(k.oid, scalar, k.point())
}

func (k *nistKey) spki() []byte { return pkcs8.MarshalPublic(pkcs8.EC(k.oid), k.point()) }

// point returns the public key, uncompressed.
func (k *nistKey) point() []byte {
	b, err := k.key.PublicKey.Bytes()
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
	algorithm, point, err := pkcs8.ParsePublic(peer)
	if err != nil || !algorithm.Equal(pkcs8.EC(k.oid)) {
		return nil, ErrPublicKey
	}
	ours, err := k.key.ECDH()
	if err != nil {
		return nil, fmt.Errorf("sealed: %w", err)
	}
	theirs, err := ours.Curve().NewPublicKey(point) // uncompressed, and on the curve
	if err != nil {
		return nil, ErrPublicKey
	}
	secret, err := ours.ECDH(theirs)
	if err != nil {
		return nil, ErrPublicKey
	}
	return secret, nil
}
