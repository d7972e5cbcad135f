package kms

import (
	"fmt"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// EncryptInput asks for a small plaintext to be encrypted under a key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
type EncryptInput struct {
	KeyID               optional.Of[string] `aws:"KeyId" audit:"keyId"`
	Plaintext           confidential.Bytes  `aws:"Plaintext"`
	EncryptionContext   pairs.Map           `aws:"EncryptionContext" audit:"encryptionContext"`
	GrantTokens         []string            `aws:"GrantTokens"`
	EncryptionAlgorithm optional.Of[string] `aws:"EncryptionAlgorithm" audit:"encryptionAlgorithm"`
	DryRun              optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
}

// EncryptOutput holds the ciphertext and names the key.
type EncryptOutput struct {
	CiphertextBlob      []byte `aws:"CiphertextBlob"`
	KeyID               string `aws:"KeyId"`
	EncryptionAlgorithm string `aws:"EncryptionAlgorithm"`
}

// Validate checks the limits of the public model.
func (in *EncryptInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	c.Required("plaintext", in.Plaintext.IsSet())
	c.Bytes("plaintext", in.Plaintext.IsSet(), in.Plaintext.Len(), 1, plaintextMax)
	checkGrantTokens(c, in.GrantTokens)
	c.Enum("encryptionAlgorithm", in.EncryptionAlgorithm, encryptionAlgorithms...)
	checkEncryptionContext(c, "EncryptionContext", in.EncryptionContext)
}

func (s *Service) encrypt() operation.Operation {
	return operation.Use[EncryptInput, EncryptOutput, *target, *EncryptInput]{
		Name:          "Encrypt",
		Cryptographic: true,
		Actions:       []string{"kms:Encrypt"},
		Subject: func(c *operation.Call, in *EncryptInput) (*target, error) {
			algorithm := in.EncryptionAlgorithm.Or(symmetricDefault)
			c.Show("encryptionAlgorithm", algorithm)
			t, err := s.keyOrAlias(c, in.KeyID.V)
			if err != nil {
				return nil, err
			}
			t.encryption = in.EncryptionContext
			t.algorithm = algorithm
			return t, s.checkTokens(in.GrantTokens)
		},
		Asks: asksOnKey[EncryptInput]("kms:Encrypt", true),
		Run:  runEncrypt,
	}.Operation()
}

func runEncrypt(c *operation.Call, in *EncryptInput, t *target) (*EncryptOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	m, err := k.toUse("Encrypt", usageEncryptDecrypt, t.algorithm)
	if err != nil {
		return nil, err
	}
	if err := newCiphertexts(t.algorithm); err != nil {
		return nil, err
	}
	if err := k.contextFits(in.EncryptionContext); err != nil {
		return nil, err
	}
	if err := k.plaintextFits(t.algorithm, in.Plaintext.Len()); err != nil {
		return nil, err
	}
	if in.DryRun.V {
		return nil, errDryRun
	}
	blob, err := k.seal(c, m, t.algorithm, in.Plaintext, in.EncryptionContext)
	if err != nil {
		return nil, fmt.Errorf("encrypting under key %s: %w", k.ID, err)
	}
	k.showMaterial(c, "keyMaterialId", k.Material)
	return &EncryptOutput{CiphertextBlob: blob, KeyID: k.ARN, EncryptionAlgorithm: t.algorithm}, nil
}
