package attestationtest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"errors"
)

// KeyFile is the private key of the environment, which guards nothing, in PEM.
//
//go:embed environment.pem
var KeyFile []byte

// Key is the private key of the environment: RSA of 2048 bits.
func Key() *rsa.PrivateKey {
	block, _ := pem.Decode(KeyFile)
	return must(x509.ParsePKCS8PrivateKey(block.Bytes)).(*rsa.PrivateKey)
}

// PublicKey is the public half of Key as SubjectPublicKeyInfo in DER.
func PublicKey() []byte { return must(x509.MarshalPKIXPublicKey(&Key().PublicKey)) }

// Open opens a CiphertextForRecipient with Key. It reads the one form that AWS
// sends, by which bytes stand where, and no other CMS.
func Open(message []byte) ([]byte, error) {
	var wrapped, iv, content []byte
	for _, part := range []struct {
		after string
		size  int
		into  *[]byte
	}{
		{"\x04\x82\x01\x00", 256, &wrapped}, // OCTET STRING of 256 bytes
		{"\x60\x86\x48\x01\x65\x03\x04\x01\x2a\x04\x10", aes.BlockSize, &iv},
		{"\xa0\x80\x04", 0, &content}, // [0], OCTET STRING
	} {
		_, rest, found := bytes.Cut(message, []byte(part.after))
		if !found || len(rest) < part.size {
			return nil, errors.New("attestationtest: not the form of a CiphertextForRecipient")
		}
		*part.into, message = rest[:part.size], rest[part.size:]
	}
	length, size := 0, 1
	if len(message) > 2 && message[0] == 0x81 {
		message = message[1:]
	} else if len(message) > 3 && message[0] == 0x82 {
		message, size = message[1:], 2
	}
	for _, b := range message[:size] {
		length = length<<8 | int(b)
	}
	if message = message[size:]; length == 0 || length%aes.BlockSize != 0 || !bytes.Equal(message[min(length, len(message)):], make([]byte, 10)) {
		return nil, errors.New("attestationtest: the content does not end the message")
	}
	content = bytes.Clone(message[:length])
	key, err := rsa.DecryptOAEP(sha256.New(), nil, Key(), wrapped, nil)
	if err != nil {
		return nil, err
	}
	cipher.NewCBCDecrypter(must(aes.NewCipher(key)), iv).CryptBlocks(content, content)
	pad := int(content[length-1])
	if pad == 0 || pad > aes.BlockSize || !bytes.HasSuffix(content, bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, errors.New("attestationtest: wrong padding")
	}
	return content[:length-pad], nil
}
