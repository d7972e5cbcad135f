package sealed

import (
	"context"
	"crypto/rand"
	"encoding/asn1"
	"fmt"

	"claviger/internal/ground/sealed/mldsamu"
	"claviger/internal/ground/sealed/pkcs8"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"
)

// latticeKey is a private key of ML-DSA (FIPS 204), kept as its seed ξ.
type latticeKey struct {
	algorithm pkcs8.Algorithm
	key       *mldsa.PrivateKey
	set       mldsamu.Set
}

// latticeSpec is a spec of the last arc of its object identifier (RFC 9881).
func latticeSpec(name string, arc int, parameters mldsa.Parameters, set mldsamu.Set) spec {
	algorithm := pkcs8.Algorithm{OID: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, arc}}
	read := func(seed []byte) (private, error) {
		key, err := mldsa.NewPrivateKey(parameters, seed)
		if err != nil {
			return nil, fmt.Errorf("sealed: expanding a key of the spec %s: %w", name, err)
		}
		return &latticeKey{algorithm, key, set}, nil
	}
	return spec{
		name: name,
		draw: func(context.Context) (private, error) {
			seed := make([]byte, mldsa.PrivateKeySize)
			_, _ = rand.Read(seed)
			defer clear(seed)
			return read(seed)
		},
		read: read,
	}
}

func (k *latticeKey) encode() []byte { return k.key.Bytes() }

func (k *latticeKey) spki() []byte {
	return pkcs8.MarshalPublic(k.algorithm, k.key.PublicKey().Bytes())
}

// sign knows one algorithm, pure ML-DSA with an empty context.
func (k *latticeKey) sign(_ context.Context, _ string, form Form, message []byte) ([]byte, error) {
	switch form {
	case Raw:
		return k.key.Sign(nil, message, nil)
	case ExternalMu:
		return k.key.Sign(nil, message, mldsacrypto.MLDSAMu)
	}
	return nil, fmt.Errorf("sealed: ML-DSA does not sign messages of the form %q", form)
}

// verify accepts a signature of either form for both forms: they are the same.
func (k *latticeKey) verify(_ string, form Form, message, signature []byte) bool {
	switch form {
	case Raw:
		return mldsa.Verify(k.key.PublicKey(), message, signature, nil) == nil
	case ExternalMu:
		return mldsamu.Verify(k.set, k.key.PublicKey().Bytes(), message, signature)
	}
	return false
}
