//lint:file-ignore SA1019 The library takes points and keys in the types of
// crypto/ecdsa and crypto/elliptic, whose successors know no curve but their own.

package sealed

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/subtle"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"claviger/internal/ground/sealed/pkcs8"

	"github.com/emmansun/gmsm/ecdh"
	"github.com/emmansun/gmsm/kdf"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm2/sm2ec"
	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// sm2Key is a private key on the curve of SM2 (GB/T 32918), for signatures, key
// agreement and encryption.
type sm2Key struct {
	key *ecdh.PrivateKey
}

var sm2Curve = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 301}

// sm2Identity is the default distinguishing identifier (GM/T 0009 §10), which
// the public API uses for every key.
var sm2Identity = []byte("1234567812345678")

const sm2Size = 32

var sm2Spec = spec{
	name: "SM2",
	draw: func(context.Context) (private, error) {
		key, err := ecdh.P256().GenerateKey(rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("sealed: drawing a key of the spec SM2: %w", err)
		}
		return &sm2Key{key}, nil
	},
	read: takeSM2,
	take: takeSM2,
}

func takeSM2(b []byte) (private, error) {
	scalar, point, err := pkcs8.ParseEC(b, sm2Curve, sm2Size)
	if err != nil {
		return nil, ErrMaterial
	}
	defer clear(scalar)
	// From 1 to n−2: with n−1, 1 + d has no inverse, and no signature ends.
	n1 := sm2ec.P256().Params().N.FillBytes(make([]byte, sm2Size))
	n1[sm2Size-1]--
	if subtle.ConstantTimeCompare(scalar, n1) == 1 {
		return nil, ErrMaterial
	}
	key, err := ecdh.P256().NewPrivateKey(scalar)
	if err != nil || point != nil && !pkcs8.SamePoint(point, key.PublicKey().Bytes()) {
		return nil, ErrMaterial
	}
	return &sm2Key{key}, nil
}

func (k *sm2Key) encode() []byte { return k.pkcs8() }

func (k *sm2Key) pkcs8() []byte {
	scalar := k.key.Bytes()
	defer clear(scalar)
	return pkcs8.MarshalEC(sm2Curve, scalar, k.key.PublicKey().Bytes())
}

func (k *sm2Key) spki() []byte {
	return pkcs8.MarshalPublic(pkcs8.EC(sm2Curve), k.key.PublicKey().Bytes())
}

// agree returns the x coordinate. The curve has cofactor 1.
func (k *sm2Key) agree(peer []byte) ([]byte, error) {
	algorithm, point, err := pkcs8.ParsePublic(peer)
	if err != nil || !algorithm.Equal(pkcs8.EC(sm2Curve)) {
		return nil, ErrPublicKey
	}
	theirs, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return nil, ErrPublicKey
	}
	secret, err := k.key.ECDH(theirs)
	if err != nil {
		return nil, ErrPublicKey
	}
	return secret, nil
}

// digest is SM3 of what identifies the key and of the message (GB/T 32918.2 §5.5,
// §6.1). A digest that comes from the caller is this one.
func (k *sm2Key) digest(form Form, message []byte) ([]byte, error) {
	if form == Digest {
		return message, nil
	}
	identified, err := k.key.PublicKey().SM2ZA(sm3.New(), sm2Identity)
	if err != nil {
		return nil, fmt.Errorf("sealed: %w", err)
	}
	h := sm3.New()
	h.Write(identified)
	h.Write(message)
	return h.Sum(nil), nil
}

// public returns the key in the type that the library verifies with.
func (k *sm2Key) public() *ecdsa.PublicKey {
	point := k.key.PublicKey().Bytes()
	return &ecdsa.PublicKey{
		Curve: sm2.P256(),
		X:     new(big.Int).SetBytes(point[1 : 1+sm2Size]),
		Y:     new(big.Int).SetBytes(point[1+sm2Size:]),
	}
}

// sign returns the signature as a DER SEQUENCE of two INTEGERs (GM/T 0009 §7.3).
func (k *sm2Key) sign(_ context.Context, _ string, form Form, message []byte) ([]byte, error) {
	digest, err := k.digest(form, message)
	if err != nil {
		return nil, err
	}
	scalar := k.key.Bytes()
	defer clear(scalar)
	key := &sm2.PrivateKey{PrivateKey: ecdsa.PrivateKey{PublicKey: *k.public(), D: new(big.Int).SetBytes(scalar)}}
	defer clear(key.D.Bits())
	return sm2.SignASN1(rand.Reader, key, digest, nil)
}

func (k *sm2Key) verify(_ string, form Form, message, signature []byte) bool {
	digest, err := k.digest(form, message)
	return err == nil && sm2.VerifyASN1(k.public(), digest, signature)
}

// seal encrypts (GB/T 32918.4 §6.1) and returns the ciphertext in ASN.1 (GM/T
// 0009 §7.2). The library's own functions err about masks of all zeros, which
// plaintexts of one byte meet once in 256 times.
func (k *sm2Key) seal(_ string, plaintext []byte) ([]byte, error) {
	if len(plaintext) == 0 {
		return nil, errors.New("sealed: SM2 does not encrypt nothing")
	}
	public := k.public()
	for {
		ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("sealed: %w", err)
		}
		masked, hash, ok := sm2Mask(public.X, public.Y, ephemeral, plaintext, false)
		if !ok {
			continue
		}
		point := ephemeral.PublicKey().Bytes()
		var b cryptobyte.Builder
		b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1BigInt(new(big.Int).SetBytes(point[1 : 1+sm2Size]))
			b.AddASN1BigInt(new(big.Int).SetBytes(point[1+sm2Size:]))
			b.AddASN1OctetString(hash)
			b.AddASN1OctetString(masked)
		})
		return b.Bytes()
	}
}

// open decrypts (GB/T 32918.4 §7.1).
func (k *sm2Key) open(_ context.Context, _ string, ciphertext []byte) ([]byte, error) {
	s := cryptobyte.String(ciphertext)
	var seq, hash, masked cryptobyte.String
	x, y := new(big.Int), new(big.Int)
	if !s.ReadASN1(&seq, der.SEQUENCE) || !s.Empty() || !seq.ReadASN1Integer(x) || !seq.ReadASN1Integer(y) ||
		!seq.ReadASN1(&hash, der.OCTET_STRING) || !seq.ReadASN1(&masked, der.OCTET_STRING) || !seq.Empty() ||
		len(masked) == 0 {
		return nil, ErrCiphertext
	}
	curve := sm2ec.P256()
	if p := curve.Params().P; x.Sign() < 0 || y.Sign() < 0 || x.Cmp(p) >= 0 || y.Cmp(p) >= 0 || !curve.IsOnCurve(x, y) {
		return nil, ErrCiphertext
	}
	plaintext, want, ok := sm2Mask(x, y, k.key, masked, true)
	if subtle.ConstantTimeCompare(want, hash) != 1 || !ok {
		clear(plaintext)
		return nil, ErrCiphertext
	}
	return plaintext, nil
}

// sm2Mask returns text combined with the mask that comes of a point and a scalar,
// and the hash that binds the plaintext. masked says that text is not the
// plaintext. ok is false for a mask of all zeros, which hides nothing.
func sm2Mask(x, y *big.Int, scalar *ecdh.PrivateKey, text []byte, masked bool) (other, hash []byte, ok bool) {
	number := scalar.Bytes()
	defer clear(number)
	x, y = sm2ec.P256().ScalarMult(x, y, number)
	defer clear(x.Bits())
	defer clear(y.Bits())
	var shared [2 * sm2Size]byte
	defer clear(shared[:])
	x.FillBytes(shared[:sm2Size])
	y.FillBytes(shared[sm2Size:])
	other = kdf.Kdf(sm3.New(), shared[:], len(text))
	ok = subtle.ConstantTimeCompare(other, make([]byte, len(other))) == 0
	subtle.XORBytes(other, other, text)
	plaintext := text
	if masked {
		plaintext = other
	}
	h := sm3.New()
	h.Write(shared[:sm2Size])
	h.Write(plaintext)
	h.Write(shared[sm2Size:])
	return other, h.Sum(nil), ok
}
