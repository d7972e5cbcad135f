package sealed

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"encoding/asn1"
	"fmt"

	"claviger/internal/ground/sealed/pkcs8"
)

// edwardsKey is an Ed25519 private key (RFC 8032, FIPS 186-5 §7).
type edwardsKey struct{ key ed25519.PrivateKey }

var edwardsAlgorithm = pkcs8.Algorithm{OID: asn1.ObjectIdentifier{1, 3, 101, 112}} // RFC 8410

var edwardsSpec = spec{
	name: "ECC_NIST_EDWARDS25519",
	draw: func(context.Context) (private, error) {
		seed := make([]byte, ed25519.SeedSize)
		_, _ = rand.Read(seed)
		defer clear(seed)
		return &edwardsKey{ed25519.NewKeyFromSeed(seed)}, nil
	},
	read: takeEdwards,
	take: takeEdwards,
}

// takeEdwards reads PKCS#8 (RFC 8410 §7), where the seed lies in a string of its own.
func takeEdwards(b []byte) (private, error) {
	p, err := pkcs8.Parse(b)
	if err != nil || !p.Algorithm.Equal(edwardsAlgorithm) {
		return nil, ErrMaterial
	}
	defer clear(p.Key)
	inner, err := pkcs8.DER(p.Key)
	if err != nil {
		return nil, ErrMaterial
	}
	defer clear(inner)
	if len(inner) != 2+ed25519.SeedSize || inner[0] != asn1.TagOctetString {
		return nil, ErrMaterial
	}
	key := ed25519.NewKeyFromSeed(inner[2:])
	if p.Public != nil && !bytes.Equal(p.Public, key[ed25519.SeedSize:]) {
		return nil, ErrMaterial
	}
	return &edwardsKey{key}, nil
}

func (k *edwardsKey) encode() []byte { return k.pkcs8() }

func (k *edwardsKey) pkcs8() []byte {
	inner := append([]byte{asn1.TagOctetString, ed25519.SeedSize}, k.key[:ed25519.SeedSize]...)
	defer clear(inner)
	return pkcs8.Marshal(edwardsAlgorithm, inner)
}

func (k *edwardsKey) public() ed25519.PublicKey {
	return ed25519.PublicKey(k.key[ed25519.SeedSize:])
}

func (k *edwardsKey) spki() []byte { return pkcs8.MarshalPublic(edwardsAlgorithm, k.public()) }

// edwardsInput returns what is signed, and how. ED25519_PH_SHA_512 takes the
// caller's digest for the message of Ed25519ph, and so hashes it once more.
func edwardsInput(algorithm string, message []byte) ([]byte, *ed25519.Options, error) {
	switch algorithm {
	case "ED25519_SHA_512":
		return message, &ed25519.Options{}, nil
	case "ED25519_PH_SHA_512":
		sum := sha512.Sum512(message)
		return sum[:], &ed25519.Options{Hash: crypto.SHA512}, nil
	}
	return nil, nil, fmt.Errorf("sealed: Ed25519 does not sign with %q", algorithm)
}

func (k *edwardsKey) sign(_ context.Context, algorithm string, _ Form, message []byte) ([]byte, error) {
	input, options, err := edwardsInput(algorithm, message)
	if err != nil {
		return nil, err
	}
	return k.key.Sign(nil, input, options)
}

func (k *edwardsKey) verify(algorithm string, _ Form, message, signature []byte) bool {
	input, options, err := edwardsInput(algorithm, message)
	return err == nil && ed25519.VerifyWithOptions(k.public(), input, signature, options) == nil
}
