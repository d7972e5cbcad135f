package sealed

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"

	"claviger/internal/ground/sealed/pkcs8"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// koblitzKey is a private key on secp256k1 (SEC 2 §2.4.1), for ECDSA with SHA-256.
//
// The arithmetic is that of others; the signature is made here, because theirs
// takes a time that depends on the nonce. Every secret number that meets an
// operation of variable time is blinded first.
type koblitzKey struct {
	scalar secp256k1.ModNScalar
	public *secp256k1.PublicKey
}

var koblitzCurve = asn1.ObjectIdentifier{1, 3, 132, 0, 10}

const koblitzSize = 32

var koblitzSpec = spec{
	name: "ECC_SECG_P256K1",
	draw: func(context.Context) (private, error) {
		scalar := randomScalar()
		defer scalar.Zero()
		return newKoblitz(scalar), nil
	},
	read: takeKoblitz,
	take: takeKoblitz,
}

func newKoblitz(scalar *secp256k1.ModNScalar) *koblitzKey {
	p := blindBaseMult(scalar)
	return &koblitzKey{*scalar, secp256k1.NewPublicKey(&p.X, &p.Y)}
}

func takeKoblitz(b []byte) (private, error) {
	bytes, point, err := pkcs8.ParseEC(b, koblitzCurve, koblitzSize)
	if err != nil {
		return nil, ErrMaterial
	}
	defer clear(bytes)
	var scalar secp256k1.ModNScalar
	defer scalar.Zero()
	if scalar.SetByteSlice(bytes) || scalar.IsZero() {
		return nil, ErrMaterial
	}
	k := newKoblitz(&scalar)
	if point != nil && !pkcs8.SamePoint(point, k.public.SerializeUncompressed()) {
		return nil, ErrMaterial
	}
	return k, nil
}

func (k *koblitzKey) encode() []byte { return k.pkcs8() }

func (k *koblitzKey) pkcs8() []byte {
	b := k.scalar.Bytes()
	defer clear(b[:])
	return pkcs8.MarshalEC(koblitzCurve, b[:], k.public.SerializeUncompressed())
}

func (k *koblitzKey) spki() []byte {
	return pkcs8.MarshalPublic(pkcs8.EC(koblitzCurve), k.public.SerializeUncompressed())
}

func koblitzDigest(form Form, message []byte) []byte {
	if form == Digest {
		return message
	}
	sum := sha256.Sum256(message)
	return sum[:]
}

// sign makes a signature (FIPS 186-5 §6.4.1) in DER, with a nonce that is both
// random and derived from key and message (RFC 6979 §3.6), so that neither a weak
// source nor a fault alone gives the key away. Of the two values that s may have
// it is the lower one, which all verifiers accept.
func (k *koblitzKey) sign(_ context.Context, _ string, form Form, message []byte) ([]byte, error) {
	digest := koblitzDigest(form, message)
	for {
		if s := k.signOnce(digest, k.nonce(digest)); s != nil {
			return s.Serialize(), nil
		}
	}
}

func (k *koblitzKey) nonce(digest []byte) *secp256k1.ModNScalar {
	key := k.scalar.Bytes()
	defer clear(key[:])
	var extra [koblitzSize]byte
	_, _ = rand.Read(extra[:])
	return secp256k1.NonceRFC6979(key[:], digest, extra[:], nil, 0)
}

// signOnce returns nil for the nonce, one of 2^128, that does not do.
func (k *koblitzKey) signOnce(digest []byte, nonce *secp256k1.ModNScalar) *ecdsa.Signature {
	defer nonce.Zero()
	p := blindBaseMult(nonce)
	var r, e, s secp256k1.ModNScalar
	x := p.X.Bytes()
	r.SetBytes(x)
	e.SetByteSlice(digest)
	s.Mul2(&r, &k.scalar).Add(&e).Mul(blindInverse(nonce))
	if r.IsZero() || s.IsZero() {
		return nil
	}
	if s.IsOverHalfOrder() {
		s.Negate()
	}
	return ecdsa.NewSignature(&r, &s)
}

// verify accepts both values of s, as other signers make both.
func (k *koblitzKey) verify(_ string, form Form, message, signature []byte) bool {
	s, err := ecdsa.ParseDERSignature(signature)
	return err == nil && s.Verify(koblitzDigest(form, message), k.public)
}

// randomScalar draws a scalar from 1 to n−1 (FIPS 186-5 A.2.2).
func randomScalar() *secp256k1.ModNScalar {
	var b [koblitzSize]byte
	defer clear(b[:])
	var s secp256k1.ModNScalar
	for {
		_, _ = rand.Read(b[:])
		if s.SetBytes(&b) == 0 && !s.IsZero() {
			return &s
		}
	}
}

// blindBaseMult returns k·G in affine coordinates as (k−b)·G + b·G, so that no
// time depends on k alone.
func blindBaseMult(k *secp256k1.ModNScalar) *secp256k1.JacobianPoint {
	b := randomScalar()
	defer b.Zero()
	rest := new(secp256k1.ModNScalar).NegateVal(b).Add(k)
	defer rest.Zero()
	var p, q, sum secp256k1.JacobianPoint
	secp256k1.ScalarBaseMultNonConst(rest, &p)
	secp256k1.ScalarBaseMultNonConst(b, &q)
	secp256k1.AddNonConst(&p, &q, &sum)
	sum.ToAffine()
	return &sum
}

// blindInverse returns 1/k as b · 1/(k·b).
func blindInverse(k *secp256k1.ModNScalar) *secp256k1.ModNScalar {
	b := randomScalar()
	defer b.Zero()
	product := new(secp256k1.ModNScalar).Mul2(k, b)
	return product.InverseNonConst().Mul(b)
}
