package kms

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// GenerateDataKeyPairInput asks for a new key pair, its private key in clear and
// encrypted.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html
type GenerateDataKeyPairInput struct {
	EncryptionContext pairs.Map           `aws:"EncryptionContext" audit:"encryptionContext"`
	KeyID             optional.Of[string] `aws:"KeyId" audit:"keyId"`
	KeyPairSpec       optional.Of[string] `aws:"KeyPairSpec" audit:"keyPairSpec"`
	GrantTokens       []string            `aws:"GrantTokens"`
	Recipient         *Recipient          `aws:"Recipient"`
	DryRun            optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
}

// GenerateDataKeyPairOutput holds the pair: the private key as PKCS#8 in DER
// (RFC 5958), the public key as SubjectPublicKeyInfo (RFC 5280).
type GenerateDataKeyPairOutput struct {
	PrivateKeyCiphertextBlob []byte              `aws:"PrivateKeyCiphertextBlob"`
	PrivateKeyPlaintext      confidential.Bytes  `aws:"PrivateKeyPlaintext"`
	PublicKey                []byte              `aws:"PublicKey"`
	KeyID                    string              `aws:"KeyId"`
	KeyPairSpec              string              `aws:"KeyPairSpec"`
	CiphertextForRecipient   []byte              `aws:"CiphertextForRecipient"`
	KeyMaterialID            optional.Of[string] `aws:"KeyMaterialId"`
}

// Validate checks the limits of the public model.
func (in *GenerateDataKeyPairInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkPairSpec(c, in.KeyPairSpec)
	checkGrantTokens(c, in.GrantTokens)
	checkRecipient(c, in.Recipient)
	checkEncryptionContext(c, "EncryptionContext", in.EncryptionContext)
}

func (s *Service) generateDataKeyPair() operation.Operation {
	return operation.Use[GenerateDataKeyPairInput, GenerateDataKeyPairOutput, *target, *GenerateDataKeyPairInput]{
		Name:          "GenerateDataKeyPair",
		Cryptographic: true,
		Actions:       []string{"kms:GenerateDataKeyPair"},
		Subject: func(c *operation.Call, in *GenerateDataKeyPairInput) (*target, error) {
			return s.attested(c, in.Recipient, func() (*target, error) {
				return s.dataKeyPairTarget(c, in.KeyID.V, in.KeyPairSpec.V, in.EncryptionContext, in.GrantTokens)
			})
		},
		Asks: asksOnKey[GenerateDataKeyPairInput]("kms:GenerateDataKeyPair", true),
		Run:  runGenerateDataKeyPair,
	}.Operation()
}

func runGenerateDataKeyPair(c *operation.Call, in *GenerateDataKeyPairInput, t *target) (*GenerateDataKeyPairOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	m, err := k.toWrapPair(c, "GenerateDataKeyPair", t.pair)
	if err != nil {
		return nil, err
	}
	if err := t.recipient.supported(); err != nil {
		return nil, err
	}
	if in.DryRun.V {
		return nil, errDryRun
	}
	pair, err := k.newDataKeyPair(c, m, t.pair, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	out := &GenerateDataKeyPairOutput{
		PrivateKeyCiphertextBlob: pair.wrapped,
		PublicKey:                pair.public,
		KeyID:                    k.ARN,
		KeyPairSpec:              t.pair,
		KeyMaterialID:            t.recipient.told(optional.Some(k.Material)),
	}
	out.PrivateKeyPlaintext, out.CiphertextForRecipient, err = t.recipient.deliver(pair.private)
	return out, err
}
