package xks

import (
	"errors"
	"fmt"

	"claviger/internal/ground/sealed"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// DecryptInput asks for a ciphertext to be decrypted under an external key.
type DecryptInput struct {
	KeyStore                    string              `audit:"keyStore"`
	ExternalKeyID               string              `audit:"externalKeyId"`
	RequestMetadata             *RequestMetadata    `aws:"requestMetadata" audit:"requestMetadata"`
	AdditionalAuthenticatedData []byte              `aws:"additionalAuthenticatedData"`
	AuthenticationTag           []byte              `aws:"authenticationTag"`
	Ciphertext                  []byte              `aws:"ciphertext"`
	CiphertextMetadata          []byte              `aws:"ciphertextMetadata"`
	EncryptionAlgorithm         optional.Of[string] `aws:"encryptionAlgorithm" audit:"encryptionAlgorithm"`
	InitializationVector        []byte              `aws:"initializationVector"`
}

// Address says what the path is about.
func (in *DecryptInput) Address(keyStore, externalKey string) {
	in.KeyStore, in.ExternalKeyID = keyStore, externalKey
}

// Validate checks what the interface demands. A part of a ciphertext that has a
// length which no ciphertext has is a ciphertext that does not open.
func (in *DecryptInput) Validate(c *check.Checks) {
	in.RequestMetadata.check(c, true, true)
	c.Required("ciphertext", in.Ciphertext != nil)
	c.Required("initializationVector", in.InitializationVector != nil)
	c.Required("authenticationTag", in.AuthenticationTag != nil)
	checkAlgorithm(c, in.EncryptionAlgorithm)
	checkSizes(c, len(in.Ciphertext), len(in.AdditionalAuthenticatedData))
}

// DecryptOutput is the plaintext.
type DecryptOutput struct {
	Plaintext confidential.Bytes `aws:"plaintext"`
}

func (s *Service) decrypt() operation.Operation {
	return operation.Use[DecryptInput, DecryptOutput, *externalKey, *DecryptInput]{
		Name:          "Decrypt",
		Cryptographic: true,
		Actions:       []string{decryptAction},
		Subject: func(c *operation.Call, in *DecryptInput) (*externalKey, error) {
			return s.keyToUse(c, in.KeyStore, in.ExternalKeyID)
		},
		Asks: func(_ *operation.Call, in *DecryptInput, k *externalKey, asks []authz.Ask) []authz.Ask {
			return k.asks(decryptAction, in.RequestMetadata, asks)
		},
		Run: s.runDecrypt,
	}.Operation()
}

func (s *Service) runDecrypt(c *operation.Call, in *DecryptInput, k *externalKey) (*DecryptOutput, error) {
	if err := k.ready(k.Decrypts); err != nil {
		return nil, err
	}
	version, err := sealed.ExternalVersion(in.CiphertextMetadata)
	material := k.versions[version]
	if err != nil || material == nil {
		return nil, errCiphertext
	}
	m := sealed.ExternalMessage{
		Ciphertext: in.Ciphertext, IV: in.InitializationVector, Tag: in.AuthenticationTag, Metadata: in.CiphertextMetadata,
	}
	plaintext, err := material.Decrypt(&m, in.AdditionalAuthenticatedData)
	if errors.Is(err, sealed.ErrCiphertext) {
		return nil, errCiphertext
	}
	if err != nil {
		return nil, fmt.Errorf("decrypting under external key %s: %w", k.ID, err)
	}
	if err := s.bind(c, k, in.RequestMetadata); err != nil {
		return nil, err
	}
	return &DecryptOutput{Plaintext: plaintext}, nil
}
