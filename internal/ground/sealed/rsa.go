package sealed

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" // of RSAES_OAEP_SHA_1, which is part of the public API
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"hash"
	"math/big"

	"claviger/internal/ground/sealed/pkcs8"
)

// rsaKey is an RSA private key of two primes (RFC 8017).
type rsaKey struct{ key *rsa.PrivateKey }

var rsaAlgorithm = pkcs8.Algorithm{OID: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, Null: true}

func rsaSpec(name string, bits int) spec {
	return spec{
		name: name,
		draw: func(ctx context.Context) (private, error) {
			key, err := rsaWork.draw(ctx, bits)
			if err != nil {
				return nil, fmt.Errorf("sealed: drawing a key of the spec %s: %w", name, err)
			}
			return &rsaKey{key}, nil
		},
		read: func(b []byte) (private, error) { return readRSA(b, bits) },
		take: func(b []byte) (private, error) { return takeRSA(b, bits) },
	}
}

func readRSA(encoded []byte, bits int) (*rsaKey, error) {
	p, err := pkcs8.Parse(encoded)
	if err != nil || !p.Algorithm.Equal(rsaAlgorithm) {
		return nil, ErrMaterial
	}
	defer clear(p.Key)
	der, err := pkcs8.DER(p.Key)
	if err != nil {
		return nil, ErrMaterial
	}
	defer clear(der)
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil || key.N.BitLen() != bits || len(key.Primes) != 2 || key.E < 3 || key.E&1 == 0 {
		return nil, ErrMaterial
	}
	if err := approve(key.E > 1<<16); err != nil { // FIPS 186-5 §5.1
		return nil, err
	}
	return &rsaKey{key}, nil
}

// primeRounds is how many rounds of Miller-Rabin an imported prime is put to,
// beside the test of Baillie-PSW: more than FIPS 186-5 table B.1 asks for.
const primeRounds = 10

// takeRSA tries what it takes, too: numbers that fit each other are not yet
// primes, nor are primes of any size safe. Of the ways to write the same key it
// keeps one, so that the key is known again however it is written: p is the larger
// prime, and d the least that fits (FIPS 186-5 §A.1.1).
func takeRSA(b []byte, bits int) (private, error) {
	given, err := readRSA(b, bits)
	if err != nil {
		return nil, err
	}
	p, q := given.key.Primes[0], given.key.Primes[1]
	if p.Cmp(q) < 0 {
		p, q = q, p
	}
	if p.BitLen() != bits/2 || q.BitLen() != bits/2 || !p.ProbablyPrime(primeRounds) || !q.ProbablyPrime(primeRounds) {
		return nil, ErrMaterial
	}
	k := &rsaKey{&rsa.PrivateKey{PublicKey: given.key.PublicKey, D: leastExponent(p, q, given.key.E), Primes: []*big.Int{p, q}}}
	if k.key.D == nil {
		return nil, ErrMaterial
	}
	k.key.Precompute()
	if k.key.Validate() != nil {
		return nil, ErrMaterial
	}
	digest := make([]byte, crypto.SHA256.Size())
	signature, err := rsa.SignPKCS1v15(nil, k.key, crypto.SHA256, digest)
	if err != nil || rsa.VerifyPKCS1v15(&k.key.PublicKey, crypto.SHA256, digest, signature) != nil {
		return nil, ErrMaterial
	}
	return k, nil
}

// leastExponent returns the inverse of e modulo lcm(p−1, q−1), nil where there is none.
func leastExponent(p, q *big.Int, e int) *big.Int {
	one := big.NewInt(1)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	lcm := new(big.Int).GCD(nil, nil, p1, q1)
	lcm.Div(p1, lcm).Mul(lcm, q1)
	return new(big.Int).ModInverse(big.NewInt(int64(e)), lcm)
}

func (k *rsaKey) encode() []byte { return k.pkcs8() }

func (k *rsaKey) pkcs8() []byte {
	der := x509.MarshalPKCS1PrivateKey(k.key)
	defer clear(der)
	return pkcs8.Marshal(rsaAlgorithm, der)
}

func (k *rsaKey) spki() []byte {
	return pkcs8.MarshalPublic(rsaAlgorithm, x509.MarshalPKCS1PublicKey(&k.key.PublicKey))
}

// An rsaSignature is one way to sign with RSA.
type rsaSignature struct {
	hash crypto.Hash
	pss  *rsa.PSSOptions // nil for PKCS #1 v1.5
}

// The salt of PSS is as long as the hash, when signing and when verifying.
func rsaSigning(algorithm string) (s rsaSignature, err error) {
	hashes := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}
	prefix, bits := algorithm[:max(0, len(algorithm)-3)], algorithm[max(0, len(algorithm)-3):]
	s.hash = hashes[bits]
	switch {
	case prefix == "RSASSA_PSS_SHA_" && s.hash != 0:
		s.pss = &rsa.PSSOptions{SaltLength: s.hash.Size(), Hash: s.hash}
	case prefix == "RSASSA_PKCS1_V1_5_SHA_" && s.hash != 0:
	default:
		return s, fmt.Errorf("sealed: RSA does not sign with %q", algorithm)
	}
	return s, nil
}

func (s rsaSignature) digest(form Form, message []byte) []byte {
	if form == Digest {
		return message
	}
	h := s.hash.New()
	h.Write(message)
	return h.Sum(nil)
}

func (k *rsaKey) sign(ctx context.Context, algorithm string, form Form, message []byte) (signature []byte, err error) {
	s, err := rsaSigning(algorithm)
	if err != nil {
		return nil, err
	}
	digest := s.digest(form, message)
	err = rsaWork.turn(ctx, func() (err error) {
		if s.pss != nil {
			signature, err = rsa.SignPSS(rand.Reader, k.key, s.hash, digest, s.pss)
		} else {
			signature, err = rsa.SignPKCS1v15(rand.Reader, k.key, s.hash, digest)
		}
		return err
	})
	return signature, err
}

func (k *rsaKey) verify(algorithm string, form Form, message, signature []byte) bool {
	s, err := rsaSigning(algorithm)
	if err != nil {
		return false
	}
	digest := s.digest(form, message)
	if s.pss != nil {
		return rsa.VerifyPSS(&k.key.PublicKey, s.hash, digest, signature, s.pss) == nil
	}
	return rsa.VerifyPKCS1v15(&k.key.PublicKey, s.hash, digest, signature) == nil
}

// oaepHash is the hash of OAEP and of its mask (RFC 8017 §7.1); the label is empty.
func oaepHash(algorithm string) (hash.Hash, error) {
	switch algorithm {
	case "RSAES_OAEP_SHA_1":
		return sha1.New(), nil
	case "RSAES_OAEP_SHA_256":
		return sha256.New(), nil
	}
	return nil, fmt.Errorf("sealed: RSA does not encrypt with %q", algorithm)
}

func (k *rsaKey) seal(algorithm string, plaintext []byte) ([]byte, error) {
	h, err := oaepHash(algorithm)
	if err != nil {
		return nil, err
	}
	if err := approve(ApprovedAlgorithm(algorithm)); err != nil {
		return nil, err
	}
	return rsa.EncryptOAEP(h, rand.Reader, &k.key.PublicKey, plaintext, nil)
}

func (k *rsaKey) open(ctx context.Context, algorithm string, ciphertext []byte) (plaintext []byte, err error) {
	h, err := oaepHash(algorithm)
	if err != nil {
		return nil, err
	}
	if len(ciphertext) != k.key.Size() { // the library takes one without its first zeros
		return nil, ErrCiphertext
	}
	err = rsaWork.turn(ctx, func() (err error) {
		if plaintext, err = rsa.DecryptOAEP(h, nil, k.key, ciphertext, nil); err != nil {
			return ErrCiphertext
		}
		return nil
	})
	return plaintext, err
}
