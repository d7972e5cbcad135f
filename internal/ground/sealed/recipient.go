package sealed

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"

	"claviger/internal/words/confidential"
	"claviger/internal/words/confidential/reveal"
)

// A Recipient is the RSA public key of an attested environment, to which an
// answer is encrypted.
type Recipient struct {
	key *rsa.PublicKey
	id  [sha256.Size]byte // of its SubjectPublicKeyInfo
}

// Sizes of a recipient's modulus, in bits, and its smallest public exponent
// (FIPS 186-5 §A.1.1).
const (
	recipientMin      = 2048
	recipientMax      = 4096
	recipientExponent = 1<<16 + 1
)

// NewRecipient takes an RSA public key of 2048 to 4096 bits, as
// SubjectPublicKeyInfo in DER (RFC 5280 §4.1).
func NewRecipient(spki []byte) (*Recipient, error) {
	parsed, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, fmt.Errorf("sealed: parsing a recipient's public key: %w", err)
	}
	key, ok := parsed.(*rsa.PublicKey)
	switch {
	case !ok:
		return nil, errors.New("sealed: a recipient's public key is not one of RSA")
	case key.N.BitLen() < recipientMin || key.N.BitLen() > recipientMax:
		return nil, fmt.Errorf("sealed: a recipient's public key has %d bits", key.N.BitLen())
	case key.E < recipientExponent || key.E%2 == 0 || key.N.Bit(0) == 0:
		return nil, errors.New("sealed: a recipient's public key is not one of RSA")
	}
	return &Recipient{key: key, id: sha256.Sum256(spki)}, nil
}

// Objects of a CMS message, in DER.
var (
	oidEnvelopedData = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03}
	oidData          = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01}
	oidOAEP          = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07}
	oidMGF1          = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08}
	oidSHA256        = []byte{0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01}
	oidAES256CBC     = []byte{0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a}
	asn1Null         = []byte{0x05, 0x00}
	cmsVersion2      = []byte{0x02, 0x01, 0x02}

	algorithmSHA256 = element(asn1Sequence, oidSHA256, asn1Null)
	// algorithmOAEP is RSAES-OAEP with SHA-256, also in MGF1, and no label (RFC 4055 §4.1).
	algorithmOAEP = element(asn1Sequence, oidOAEP, element(asn1Sequence,
		element(asn1Context, algorithmSHA256),
		element(asn1Context|1, element(asn1Sequence, oidMGF1, algorithmSHA256))))
)

// Tags of ASN.1.
const (
	asn1Octets    = 0x04
	asn1Sequence  = 0x30
	asn1Set       = 0x31
	asn1Context   = 0xa0 // constructed
	asn1Primitive = 0x80 // context-specific
)

// Envelop encrypts a plaintext for r alone: CMS EnvelopedData (RFC 5652 §6) of
// one recipient, RSAES-OAEP with SHA-256 around a fresh key for AES-256-CBC.
// Nothing in that form authenticates the message: it is as good as the
// connection that it comes through, as AWS's is.
//
// Which elements have a length and which end with a mark is exactly as in what
// AWS sends. The reader of the AWS Nitro Enclaves SDK for C accepts no other
// form, in particular not DER.
func (r *Recipient) Envelop(plaintext confidential.Bytes) ([]byte, error) {
	var key [32]byte
	var iv [aes.BlockSize]byte
	defer clear(key[:])
	_, _ = rand.Read(key[:])
	_, _ = rand.Read(iv[:])
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, r.key, key[:], nil)
	if err != nil {
		return nil, fmt.Errorf("sealed: encrypting to a recipient: %w", err)
	}
	content := encryptCBC(&key, iv[:], plaintext.Reveal(reveal.Token{}))
	return unbounded(asn1Sequence,
		oidEnvelopedData,
		unbounded(asn1Context, unbounded(asn1Sequence,
			cmsVersion2,
			element(asn1Set, element(asn1Sequence,
				cmsVersion2,
				element(asn1Primitive, r.id[:]),
				algorithmOAEP,
				element(asn1Octets, wrapped))),
			unbounded(asn1Sequence,
				oidData,
				element(asn1Sequence, oidAES256CBC, element(asn1Octets, iv[:])),
				unbounded(asn1Context, element(asn1Octets, content)))))), nil
}

// encryptCBC pads a plaintext (RFC 5652 §6.3) and encrypts it.
func encryptCBC(key *[32]byte, iv, plaintext []byte) []byte {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("sealed: " + err.Error())
	}
	pad := aes.BlockSize - len(plaintext)%aes.BlockSize
	b := make([]byte, 0, len(plaintext)+pad)
	b = append(b, plaintext...)
	b = append(b, bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(b, b)
	return b
}

// element is an ASN.1 element with its length in the shortest form.
func element(tag byte, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	b := []byte{tag}
	switch n := len(content); {
	case n < 0x80:
		b = append(b, byte(n))
	case n < 1<<8:
		b = append(b, 0x81, byte(n))
	default: // no message of ours has 64 KiB
		b = binary.BigEndian.AppendUint16(append(b, 0x82), uint16(n))
	}
	return append(b, content...)
}

// unbounded is an ASN.1 element of BER that ends with a mark (X.690 §8.1.3.6).
func unbounded(tag byte, parts ...[]byte) []byte {
	return append(append([]byte{tag, 0x80}, bytes.Join(parts, nil)...), 0, 0)
}
