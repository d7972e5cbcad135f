package kms

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// GenerateDataKeyPairWithoutPlaintextInput asks for a new key pair, its private
// key encrypted only.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPairWithoutPlaintext.html
type GenerateDataKeyPairWithoutPlaintextInput struct {
	EncryptionContext pairs.Map           `aws:"EncryptionContext" audit:"encryptionContext"`
	KeyID             optional.Of[string] `aws:"KeyId" audit:"keyId"`
	KeyPairSpec       optional.Of[string] `aws:"KeyPairSpec" audit:"keyPairSpec"`
	GrantTokens       []string            `aws:"GrantTokens"`
	DryRun            optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
}

// GenerateDataKeyPairWithoutPlaintextOutput holds the pair, in the forms of
// GenerateDataKeyPairOutput.
type GenerateDataKeyPairWithoutPlaintextOutput struct {
	PrivateKeyCiphertextBlob []byte `aws:"PrivateKeyCiphertextBlob"`
	PublicKey                []byte `aws:"PublicKey"`
	KeyID                    string `aws:"KeyId"`
	KeyPairSpec              string `aws:"KeyPairSpec"`
	KeyMaterialID            string `aws:"KeyMaterialId"`
}

// Validate checks the limits of the public model.
func (in *GenerateDataKeyPairWithoutPlaintextInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkPairSpec(c, in.KeyPairSpec)
	checkGrantTokens(c, in.GrantTokens)
	checkEncryptionContext(c, "EncryptionContext", in.EncryptionContext)
}

func (s *Service) generateDataKeyPairWithoutPlaintext() operation.Operation {
	return operation.Use[GenerateDataKeyPairWithoutPlaintextInput, GenerateDataKeyPairWithoutPlaintextOutput, *target, *GenerateDataKeyPairWithoutPlaintextInput]{
		Name:          "GenerateDataKeyPairWithoutPlaintext",
		Cryptographic: true,
		Actions:       []string{"kms:GenerateDataKeyPairWithoutPlaintext"},
		Subject: func(c *operation.Call, in *GenerateDataKeyPairWithoutPlaintextInput) (*target, error) {
			return s.dataKeyPairTarget(c, in.KeyID.V, in.KeyPairSpec.V, in.EncryptionContext, in.GrantTokens)
		},
		Asks: asksOnKey[GenerateDataKeyPairWithoutPlaintextInput]("kms:GenerateDataKeyPairWithoutPlaintext", true),
		Run:  runGenerateDataKeyPairWithoutPlaintext,
	}.Operation()
}

func runGenerateDataKeyPairWithoutPlaintext(c *operation.Call, in *GenerateDataKeyPairWithoutPlaintextInput, t *target) (*GenerateDataKeyPairWithoutPlaintextOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	m, err := k.toWrapPair(c, "GenerateDataKeyPairWithoutPlaintext", t.pair)
	if err != nil {
		return nil, err
	}
	if in.DryRun.V {
		return nil, errDryRun
	}
	pair, err := k.newDataKeyPair(c, m, t.pair, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &GenerateDataKeyPairWithoutPlaintextOutput{
		PrivateKeyCiphertextBlob: pair.wrapped,
		PublicKey:                pair.public,
		KeyID:                    k.ARN,
		KeyPairSpec:              t.pair,
		KeyMaterialID:            k.Material,
	}, nil
}
