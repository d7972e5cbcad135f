package xks

import (
	"fmt"

	"claviger/internal/ground/sealed"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// Algorithms of the interface.
const (
	algorithmGCM    = "AES_GCM"
	algorithmSHA256 = "SHA_256"
)

// EncryptInput asks for a plaintext to be encrypted under an external key, with
// a value over which the integrity of the answer can be checked, if wanted.
type EncryptInput struct {
	KeyStore                    string              `audit:"keyStore"`
	ExternalKeyID               string              `audit:"externalKeyId"`
	RequestMetadata             *RequestMetadata    `aws:"requestMetadata" audit:"requestMetadata"`
	AdditionalAuthenticatedData []byte              `aws:"additionalAuthenticatedData"`
	Plaintext                   confidential.Bytes  `aws:"plaintext"`
	EncryptionAlgorithm         optional.Of[string] `aws:"encryptionAlgorithm" audit:"encryptionAlgorithm"`
	IntegrityAlgorithm          optional.Of[string] `aws:"ciphertextDataIntegrityValueAlgorithm" audit:"ciphertextDataIntegrityValueAlgorithm"`
}

// Address says what the path is about.
func (in *EncryptInput) Address(keyStore, externalKey string) {
	in.KeyStore, in.ExternalKeyID = keyStore, externalKey
}

// Validate checks what the interface demands. More than it demands is not supported.
func (in *EncryptInput) Validate(c *check.Checks) {
	in.RequestMetadata.check(c, true, true)
	if c.Required("plaintext", in.Plaintext.IsSet()) && in.Plaintext.Len() == 0 {
		c.Bytes("plaintext", true, 0, 1, sealed.MaxExternalPlaintext)
	}
	checkAlgorithm(c, in.EncryptionAlgorithm)
	c.Enum("ciphertextDataIntegrityValueAlgorithm", in.IntegrityAlgorithm, algorithmSHA256)
	checkSizes(c, in.Plaintext.Len(), len(in.AdditionalAuthenticatedData))
}

func checkAlgorithm(c *check.Checks, algorithm optional.Of[string]) {
	if c.Required("encryptionAlgorithm", algorithm.Set) {
		c.Enum("encryptionAlgorithm", algorithm, algorithmGCM)
	}
}

func checkSizes(c *check.Checks, text, aad int) {
	if text > sealed.MaxExternalPlaintext || aad > sealed.MaxExternalAAD {
		c.Refuse(errTooLarge)
	}
}

// EncryptOutput is a ciphertext in its parts.
type EncryptOutput struct {
	AuthenticationTag    []byte `aws:"authenticationTag"`
	Ciphertext           []byte `aws:"ciphertext"`
	CiphertextMetadata   []byte `aws:"ciphertextMetadata"`
	InitializationVector []byte `aws:"initializationVector"`
	IntegrityValue       []byte `aws:"ciphertextDataIntegrityValue"`
}

func (s *Service) encrypt() operation.Operation {
	return operation.Use[EncryptInput, EncryptOutput, *externalKey, *EncryptInput]{
		Name:          "Encrypt",
		Cryptographic: true,
		Actions:       []string{encryptAction},
		Subject: func(c *operation.Call, in *EncryptInput) (*externalKey, error) {
			return s.keyToUse(c, in.KeyStore, in.ExternalKeyID)
		},
		Asks: func(_ *operation.Call, in *EncryptInput, k *externalKey, asks []authz.Ask) []authz.Ask {
			return k.asks(encryptAction, in.RequestMetadata, asks)
		},
		Run: s.runEncrypt,
	}.Operation()
}

func (s *Service) runEncrypt(c *operation.Call, in *EncryptInput, k *externalKey) (*EncryptOutput, error) {
	if err := k.ready(k.Encrypts); err != nil {
		return nil, err
	}
	if in.IntegrityAlgorithm.Set && !k.Decrypts {
		return nil, errNoIntegrity
	}
	if err := s.bind(c, k, in.RequestMetadata); err != nil {
		return nil, err
	}
	out, err := encrypted(k.versions[k.newest().Number], in)
	if err != nil {
		return nil, fmt.Errorf("encrypting under external key %s: %w", k.ID, err)
	}
	return out, nil
}

func encrypted(material *sealed.External, in *EncryptInput) (*EncryptOutput, error) {
	out := new(EncryptOutput)
	var m sealed.ExternalMessage
	var err error
	if in.IntegrityAlgorithm.Set {
		var sum [32]byte
		m, sum, err = material.EncryptProven(in.Plaintext, in.AdditionalAuthenticatedData)
		out.IntegrityValue = sum[:]
	} else {
		m, err = material.Encrypt(in.Plaintext, in.AdditionalAuthenticatedData)
	}
	if err != nil {
		return nil, err
	}
	out.Ciphertext, out.InitializationVector, out.AuthenticationTag, out.CiphertextMetadata = m.Ciphertext, m.IV, m.Tag, m.Metadata
	return out, nil
}
