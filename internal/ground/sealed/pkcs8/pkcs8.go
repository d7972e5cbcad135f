// Package pkcs8 reads and writes the encodings of keys: PKCS#8 private keys
// (RFC 5208, RFC 5958), SubjectPublicKeyInfo (RFC 5280), and the private keys of
// elliptic curves inside the former (RFC 5915).
//
// crypto/x509 knows them for its own kinds of keys only, and in DER only. What is
// read here may be BER, as other programs write it; what is written is DER.
package pkcs8

import (
	"encoding/asn1"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// ErrEncoding means that bytes are not in the encoding that they should be in.
var ErrEncoding = errors.New("pkcs8: not the encoding of a key")

// An Algorithm names the kind of a key.
type Algorithm struct {
	OID   asn1.ObjectIdentifier
	Curve asn1.ObjectIdentifier // of keys on a named curve (RFC 5480); nil else
	Null  bool                  // parameters are NULL, as those of RSA are (RFC 3279)
}

// EC is the algorithm of keys on a named curve (RFC 5480 §2.1.1).
func EC(curve asn1.ObjectIdentifier) Algorithm {
	return Algorithm{OID: asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}, Curve: curve}
}

// Equal reports whether both name the same kind. NULL and absent parameters are
// the same.
func (a Algorithm) Equal(b Algorithm) bool { return a.OID.Equal(b.OID) && a.Curve.Equal(b.Curve) }

func (a Algorithm) marshal(b *cryptobyte.Builder) {
	b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(a.OID)
		switch {
		case a.Curve != nil:
			b.AddASN1ObjectIdentifier(a.Curve)
		case a.Null:
			b.AddASN1NULL()
		}
	})
}

// readAlgorithm refuses all parameters but none, NULL, and the name of a curve:
// explicit curves among them.
func readAlgorithm(s *cryptobyte.String) (a Algorithm, ok bool) {
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, der.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&a.OID) {
		return a, false
	}
	switch {
	case seq.PeekASN1Tag(der.OBJECT_IDENTIFIER):
		ok = seq.ReadASN1ObjectIdentifier(&a.Curve)
	case seq.PeekASN1Tag(der.NULL):
		var null cryptobyte.String
		ok = seq.ReadASN1(&null, der.NULL) && null.Empty()
		a.Null = true
	default:
		ok = true
	}
	return a, ok && seq.Empty()
}

// A PrivateKey is what a PKCS#8 private key consists of. Attributes are dropped.
type PrivateKey struct {
	Algorithm
	Key    []byte // of the form that the algorithm defines
	Public []byte // of the version of RFC 5958; nil where absent
}

// Parse reads a private key in BER. It returns copies.
func Parse(ber []byte) (*PrivateKey, error) {
	b, err := DER(ber)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	s := cryptobyte.String(b)
	var seq, key, attributes, public cryptobyte.String
	var version int
	var hasPublic bool
	if !s.ReadASN1(&seq, der.SEQUENCE) || !s.Empty() || !seq.ReadASN1Integer(&version) || version < 0 || version > 1 {
		return nil, ErrEncoding
	}
	algorithm, ok := readAlgorithm(&seq)
	if !ok || !seq.ReadASN1(&key, der.OCTET_STRING) ||
		!seq.ReadOptionalASN1(&attributes, nil, der.Tag(0).ContextSpecific().Constructed()) ||
		!seq.ReadOptionalASN1(&public, &hasPublic, der.Tag(1).ContextSpecific()) || !seq.Empty() {
		return nil, ErrEncoding
	}
	p := &PrivateKey{Algorithm: algorithm, Key: append([]byte(nil), key...)}
	if hasPublic {
		if len(public) == 0 || public[0] != 0 { // bits that the last byte does not use
			return nil, ErrEncoding
		}
		p.Public = append([]byte(nil), public[1:]...)
	}
	return p, nil
}

// Marshal writes a private key, without its public key and without attributes.
func Marshal(a Algorithm, key []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		a.marshal(b)
		b.AddASN1OctetString(key)
	})
	return b.BytesOrPanic()
}

// ParsePublic reads a public key in DER.
func ParsePublic(spki []byte) (Algorithm, []byte, error) {
	s := cryptobyte.String(spki)
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, der.SEQUENCE) || !s.Empty() {
		return Algorithm{}, nil, ErrEncoding
	}
	algorithm, ok := readAlgorithm(&seq)
	var key []byte
	if !ok || !seq.ReadASN1BitStringAsBytes(&key) || !seq.Empty() {
		return Algorithm{}, nil, ErrEncoding
	}
	return algorithm, key, nil
}

// MarshalPublic writes a public key.
func MarshalPublic(a Algorithm, key []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
		a.marshal(b)
		b.AddASN1BitString(key)
	})
	return b.BytesOrPanic()
}

// MarshalSeed writes a private key that is a seed: [0] IMPLICIT OCTET STRING, as
// those of ML-KEM (RFC 9935 §6) and ML-DSA (RFC 9881 §6) are.
func MarshalSeed(a Algorithm, seed []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(der.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(seed) })
	key := b.BytesOrPanic()
	defer clear(key)
	return Marshal(a, key)
}
