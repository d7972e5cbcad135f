package attestation

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha512"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// How far a document's time may be from the time of the call. A document names
// a key that its answer is encrypted to, so that a replayed one is of no use to
// whoever replays it; the limit bounds how long what it measured is believed.
const (
	maxAge  = 5 * time.Minute
	maxSkew = 5 * time.Minute
)

// A Verifier believes documents whose certificates lead to its roots. It is
// safe for concurrent use.
type Verifier struct {
	roots *x509.CertPool
}

// New returns a Verifier of the roots in a PEM file, of which there must be at
// least one. The root of AWS's commercial Regions is published at
// https://aws-nitro-enclaves.amazonaws.com/AWS_NitroEnclaves_Root-G1.zip.
func New(file []byte) (*Verifier, error) {
	v := &Verifier{roots: x509.NewCertPool()}
	count := 0
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("attestation: a %s among the root certificates", block.Type)
		}
		root, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("attestation: parsing a root certificate: %w", err)
		}
		if !root.IsCA {
			return nil, fmt.Errorf("attestation: the certificate of %q is not one of a certificate authority", root.Subject)
		}
		v.roots.AddCert(root)
		count++
	}
	if count == 0 {
		return nil, errors.New("attestation: no certificate in PEM form")
	}
	return v, nil
}

// Verify returns what a document says if it is to be believed at a time, now.
// Otherwise the error is an Invalid.
func (v *Verifier) Verify(document []byte, now time.Time) (*Document, error) {
	m, err := parseMessage(document)
	if err != nil {
		return nil, err
	}
	d, err := parseDocument(m.payload)
	if err != nil {
		return nil, err
	}
	key, err := v.signer(d, now)
	if err != nil {
		return nil, err
	}
	r, s := new(big.Int).SetBytes(m.signature[:signatureSize/2]), new(big.Int).SetBytes(m.signature[signatureSize/2:])
	digest := sha512.Sum384(signed(m.payload))
	switch {
	case !ecdsa.Verify(key, digest[:], r, s):
		return nil, Invalid("its signature does not verify")
	case now.Sub(d.Time) > maxAge:
		return nil, Invalid("it is older than five minutes")
	case d.Time.Sub(now) > maxSkew:
		return nil, Invalid("its timestamp lies in the future")
	}
	return d, nil
}

// signer returns the key of the certificate that signed d, if its chain holds now.
// Certificates are not looked up in lists of revoked ones, as the format demands.
func (v *Verifier) signer(d *Document, now time.Time) (*ecdsa.PublicKey, error) {
	leaf, err := x509.ParseCertificate(d.certificate)
	if err != nil {
		return nil, Invalid("its certificate can't be parsed")
	}
	between := x509.NewCertPool()
	for _, der := range d.bundle {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, Invalid("a certificate of its cabundle can't be parsed")
		}
		between.AddCert(c)
	}
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P384() {
		return nil, Invalid("its certificate is not one of a P-384 key")
	}
	if leaf.IsCA || leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return nil, Invalid("its certificate is not one to sign documents with")
	}
	if _, err := leaf.Verify(x509.VerifyOptions{
		Roots:         v.roots,
		Intermediates: between,
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}); err != nil {
		return nil, Invalid("no chain of valid certificates leads from it to a trusted root")
	}
	return key, nil
}

// signed is what a signature is over (RFC 9052 §4.4):
// ["Signature1", protected header, no external data, payload].
func signed(payload []byte) []byte {
	b := append([]byte{0x84, 0x6a}, "Signature1"...)
	b = append(b, 0x40|byte(len(protected)))
	b = append(b, protected...)
	b = append(b, 0x40)
	return append(shortest(b, len(payload)), payload...)
}

// shortest appends the head of a byte string of n bytes in its shortest form,
// which the signed structure must have.
func shortest(b []byte, n int) []byte {
	switch {
	case n < 24:
		return append(b, 0x40|byte(n))
	case n < 1<<8:
		return append(b, 0x58, byte(n))
	default: // a payload has 16 KiB at most
		return binary.BigEndian.AppendUint16(append(b, 0x59), uint16(n))
	}
}
