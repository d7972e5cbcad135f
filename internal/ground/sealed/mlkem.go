package sealed

import (
	"context"
	"crypto/mlkem"
	"crypto/rand"
	"encoding/asn1"
	"fmt"
	"slices"

	"claviger/internal/ground/sealed/pkcs8"

	"github.com/cloudflare/circl/kem/mlkem/mlkem512"
)

// kemKey is a decapsulation key of ML-KEM (FIPS 203) and the seed (d ‖ z) that it
// is kept as.
type kemKey struct {
	algorithm pkcs8.Algorithm
	seed      []byte
	key       kem
}

// kem is what the parameter sets have in common.
type kem interface {
	public() []byte
	encapsulate() (secret, ciphertext []byte)
	Decapsulate(ciphertext []byte) ([]byte, error)
}

// kemSpec is a spec of the last arc of its object identifier (RFC 9935).
func kemSpec(name string, arc int, expand func(seed []byte) (kem, error)) spec {
	algorithm := pkcs8.Algorithm{OID: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 4, arc}}
	read := func(seed []byte) (private, error) {
		if len(seed) != mlkem.SeedSize {
			return nil, ErrMaterial
		}
		key, err := expand(seed)
		if err != nil {
			return nil, fmt.Errorf("sealed: expanding a key of the spec %s: %w", name, err)
		}
		return &kemKey{algorithm, slices.Clone(seed), key}, nil
	}
	return spec{
		name: name,
		draw: func(context.Context) (private, error) {
			seed := make([]byte, mlkem.SeedSize)
			_, _ = rand.Read(seed)
			defer clear(seed)
			return read(seed)
		},
		read: read,
	}
}

func (k *kemKey) encode() []byte { return slices.Clone(k.seed) }

// pkcs8 has the seed alone, as [0] IMPLICIT OCTET STRING (RFC 9935 §6).
func (k *kemKey) pkcs8() []byte { return pkcs8.MarshalSeed(k.algorithm, k.seed) }

func (k *kemKey) spki() []byte { return pkcs8.MarshalPublic(k.algorithm, k.key.public()) }

func (k *kemKey) encapsulate() (secret, ciphertext []byte) { return k.key.encapsulate() }

func (k *kemKey) decapsulate(ciphertext []byte) ([]byte, error) {
	secret, err := k.key.Decapsulate(ciphertext)
	if err != nil { // of the wrong length
		return nil, ErrCiphertext
	}
	return secret, nil
}

type kem768 struct{ *mlkem.DecapsulationKey768 }

func expand768(seed []byte) (kem, error) {
	k, err := mlkem.NewDecapsulationKey768(seed)
	return kem768{k}, err
}

func (k kem768) public() []byte                           { return k.EncapsulationKey().Bytes() }
func (k kem768) encapsulate() (secret, ciphertext []byte) { return k.EncapsulationKey().Encapsulate() }

type kem1024 struct{ *mlkem.DecapsulationKey1024 }

func expand1024(seed []byte) (kem, error) {
	k, err := mlkem.NewDecapsulationKey1024(seed)
	return kem1024{k}, err
}

func (k kem1024) public() []byte                           { return k.EncapsulationKey().Bytes() }
func (k kem1024) encapsulate() (secret, ciphertext []byte) { return k.EncapsulationKey().Encapsulate() }

// kem512 is the one parameter set that the standard library does not have.
type kem512 struct {
	encapsulation *mlkem512.PublicKey
	key           *mlkem512.PrivateKey
}

func expand512(seed []byte) (kem, error) {
	encapsulation, key := mlkem512.NewKeyFromSeed(seed)
	return kem512{encapsulation, key}, nil
}

func (k kem512) public() []byte {
	b := make([]byte, mlkem512.PublicKeySize)
	k.encapsulation.Pack(b)
	return b
}

func (k kem512) encapsulate() (secret, ciphertext []byte) {
	secret, ciphertext = make([]byte, mlkem512.SharedKeySize), make([]byte, mlkem512.CiphertextSize)
	k.encapsulation.EncapsulateTo(ciphertext, secret, nil)
	return secret, ciphertext
}

func (k kem512) Decapsulate(ciphertext []byte) ([]byte, error) {
	if len(ciphertext) != mlkem512.CiphertextSize {
		return nil, ErrCiphertext
	}
	secret := make([]byte, mlkem512.SharedKeySize)
	k.key.DecapsulateTo(secret, ciphertext)
	return secret, nil
}
