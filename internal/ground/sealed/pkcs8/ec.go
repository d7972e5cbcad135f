package pkcs8

import (
	"bytes"
	"crypto/subtle"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// ParseEC reads a PKCS#8 private key on the named curve in BER: the scalar in
// size bytes, and the point of the public key in whatever form it has there, nil
// where it is absent. That the scalar is in range and the point belongs to it is
// for the caller to check (see SamePoint).
func ParseEC(ber []byte, curve asn1.ObjectIdentifier, size int) (scalar, point []byte, err error) {
	p, err := Parse(ber)
	if err != nil {
		return nil, nil, err
	}
	defer clear(p.Key)
	if !p.Algorithm.Equal(EC(curve)) {
		return nil, nil, ErrEncoding
	}
	return parseEC(p.Key, curve, size)
}

func parseEC(ber []byte, curve asn1.ObjectIdentifier, size int) (scalar, point []byte, err error) {
	b, err := DER(ber)
	if err != nil {
		return nil, nil, err
	}
	defer clear(b)
	s := cryptobyte.String(b)
	var seq, number, parameters, public cryptobyte.String
	var named, hasPublic bool
	var version int
	if !s.ReadASN1(&seq, der.SEQUENCE) || !s.Empty() || !seq.ReadASN1Integer(&version) || version != 1 ||
		!seq.ReadASN1(&number, der.OCTET_STRING) ||
		!seq.ReadOptionalASN1(&parameters, &named, der.Tag(0).ContextSpecific().Constructed()) ||
		!seq.ReadOptionalASN1(&public, &hasPublic, der.Tag(1).ContextSpecific().Constructed()) || !seq.Empty() {
		return nil, nil, ErrEncoding
	}
	if named {
		var name asn1.ObjectIdentifier
		if !parameters.ReadASN1ObjectIdentifier(&name) || !parameters.Empty() || !name.Equal(curve) {
			return nil, nil, ErrEncoding
		}
	}
	if hasPublic {
		if !public.ReadASN1BitStringAsBytes(&point) || !public.Empty() || len(point) == 0 {
			return nil, nil, ErrEncoding
		}
	}
	// RFC 5915 asks for size bytes; some programs leave zeros out or add one.
	digits := bytes.TrimLeft(number, "\x00")
	if len(digits) > size {
		return nil, nil, ErrEncoding
	}
	scalar = make([]byte, size)
	copy(scalar[size-len(digits):], digits)
	return scalar, bytes.Clone(point), nil
}

// MarshalEC writes a private key on a named curve, with the uncompressed point of
// its public key and without the curve's second mention, as OpenSSL and crypto/x509 do.
func MarshalEC(curve asn1.ObjectIdentifier, scalar, point []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1OctetString(scalar)
		b.AddASN1(der.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1BitString(point)
		})
	})
	key := b.BytesOrPanic()
	defer clear(key)
	return Marshal(EC(curve), key)
}

// SamePoint reports whether point, in any of the encodings of SEC 1 §2.3.3
// (uncompressed, compressed, hybrid), is the point that uncompressed encodes.
func SamePoint(point, uncompressed []byte) bool {
	if len(point) == 0 || len(uncompressed) < 3 {
		return false
	}
	x, odd := uncompressed[1:1+len(uncompressed)/2], uncompressed[len(uncompressed)-1]&1
	switch form := point[0]; form {
	case 4:
		return subtle.ConstantTimeCompare(point, uncompressed) == 1
	case 2, 3:
		return form&1 == odd && bytes.Equal(point[1:], x)
	case 6, 7:
		return form&1 == odd && bytes.Equal(point[1:], uncompressed[1:])
	}
	return false
}
