// Package attestationtest makes attestation documents for tests, as a Nitro
// hypervisor makes them, under a root of its own.
package attestationtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// Places in an Authority's chain.
const (
	Root = iota
	Regional
	Zonal
	Leaf
	length
)

// An Authority issues documents.
type Authority struct {
	chain [length][]byte // DER
	key   *ecdsa.PrivateKey
}

// New makes an authority whose certificates are valid around a time. edit, if
// not nil, may change the template of each certificate; it returns the key for it,
// nil for a fresh one of P-384.
func New(now time.Time, edit func(place int, template *x509.Certificate) *ecdsa.PrivateKey) *Authority {
	a := &Authority{}
	var parent *x509.Certificate
	var signer *ecdsa.PrivateKey
	for place := range length {
		template := &x509.Certificate{
			SerialNumber:          big.NewInt(int64(place + 1)),
			Subject:               pkix.Name{CommonName: fmt.Sprintf("%d.nitro-enclaves.test", place)},
			NotBefore:             now.Add(-time.Hour),
			NotAfter:              now.Add(time.Hour),
			BasicConstraintsValid: true,
			IsCA:                  place != Leaf,
			KeyUsage:              x509.KeyUsageCertSign,
		}
		if place == Leaf {
			template.KeyUsage = x509.KeyUsageDigitalSignature
		}
		var key *ecdsa.PrivateKey
		if edit != nil {
			key = edit(place, template)
		}
		if key == nil {
			key = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
		}
		if place == Root {
			parent, signer = template, key
		}
		a.chain[place] = must(x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer))
		parent, signer, a.key = must(x509.ParseCertificate(a.chain[place])), key, key
	}
	return a
}

// RootFile is the root certificate as a PEM file.
func (a *Authority) RootFile() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.chain[Root]})
}

// Document is a document of an enclave with a public key.
func (a *Authority) Document(now time.Time, publicKey []byte) []byte {
	return a.Sign(a.Payload(now, publicKey).Encode())
}

// Module is the id of the module that Payload names.
const Module = "i-0123456789abcdef0-enc0123456789abcdef"

// PCR is the register that Payload has at an index: 48 bytes.
func PCR(index int) []byte { return bytes.Repeat([]byte{byte(0xa0 + index)}, 48) }

// Payload is what a document of an enclave says, with registers 0 to 4 and 8.
func (a *Authority) Payload(now time.Time, publicKey []byte) Payload {
	var bundle [][]byte
	for _, der := range a.chain[:Leaf] {
		bundle = append(bundle, Bytes(der))
	}
	var registers []byte
	for _, i := range []int{0, 1, 2, 3, 4, 8} {
		registers = append(registers, slices.Concat(Uint(uint64(i)), Bytes(PCR(i)))...)
	}
	return Payload{
		{"module_id", Text(Module)},
		{"digest", Text("SHA384")},
		{"timestamp", Uint(uint64(now.UnixMilli()))},
		{"pcrs", append([]byte{0xa6}, registers...)},
		{"certificate", Bytes(a.chain[Leaf])},
		{"cabundle", slices.Concat(append([][]byte{{0x80 | byte(len(bundle))}}, bundle...)...)},
		{"public_key", Bytes(publicKey)},
		{"user_data", []byte{0xf6}},
		{"nonce", []byte{0xf6}},
	}
}

// Sign makes a document of a payload, whatever that is.
func (a *Authority) Sign(payload []byte) []byte {
	header := []byte{0x44, 0xa1, 0x01, 0x38, 0x22}
	digest := sha512.Sum384(slices.Concat([]byte{0x84}, Text("Signature1"), header, []byte{0x40}, Bytes(payload)))
	r, s, err := ecdsa.Sign(rand.Reader, a.key, digest[:])
	must(0, err)
	signature := make([]byte, 96)
	r.FillBytes(signature[:48])
	s.FillBytes(signature[48:])
	return slices.Concat([]byte{0x84}, header, []byte{0xa0}, Bytes(payload), Bytes(signature))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic("attestationtest: " + err.Error())
	}
	return v
}
