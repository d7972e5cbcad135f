package kms

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// GenerateDataKeyWithoutPlaintextInput asks for a random data key, encrypted only.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyWithoutPlaintext.html
type GenerateDataKeyWithoutPlaintextInput struct {
	KeyID             optional.Of[string] `aws:"KeyId" audit:"keyId"`
	EncryptionContext pairs.Map           `aws:"EncryptionContext" audit:"encryptionContext"`
	KeySpec           optional.Of[string] `aws:"KeySpec" audit:"keySpec"`
	NumberOfBytes     optional.Of[int]    `aws:"NumberOfBytes" audit:"numberOfBytes"`
	GrantTokens       []string            `aws:"GrantTokens"`
	DryRun            optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
}

// GenerateDataKeyWithoutPlaintextOutput holds the encrypted data key.
type GenerateDataKeyWithoutPlaintextOutput struct {
	CiphertextBlob []byte              `aws:"CiphertextBlob"`
	KeyID          string              `aws:"KeyId"`
	KeyMaterialID  optional.Of[string] `aws:"KeyMaterialId"`
}

// Validate checks the limits of the public model.
func (in *GenerateDataKeyWithoutPlaintextInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkDataKey(c, in.KeySpec, in.NumberOfBytes)
	checkGrantTokens(c, in.GrantTokens)
	checkEncryptionContext(c, "EncryptionContext", in.EncryptionContext)
}

func (s *Service) generateDataKeyWithoutPlaintext() operation.Operation {
	return operation.Use[GenerateDataKeyWithoutPlaintextInput, GenerateDataKeyWithoutPlaintextOutput, *target, *GenerateDataKeyWithoutPlaintextInput]{
		Name:          "GenerateDataKeyWithoutPlaintext",
		Cryptographic: true,
		Actions:       []string{"kms:GenerateDataKeyWithoutPlaintext"},
		Subject: func(c *operation.Call, in *GenerateDataKeyWithoutPlaintextInput) (*target, error) {
			return s.dataKeyTarget(c, in.KeyID.V, in.EncryptionContext, in.GrantTokens)
		},
		Asks: asksOnKey[GenerateDataKeyWithoutPlaintextInput]("kms:GenerateDataKeyWithoutPlaintext", true),
		Run:  runGenerateDataKeyWithoutPlaintext,
	}.Operation()
}

func runGenerateDataKeyWithoutPlaintext(c *operation.Call, in *GenerateDataKeyWithoutPlaintextInput, t *target) (*GenerateDataKeyWithoutPlaintextOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	m, err := k.toWrap("GenerateDataKeyWithoutPlaintext")
	if err != nil {
		return nil, err
	}
	if in.DryRun.V {
		return nil, errDryRun
	}
	_, blob, err := k.newDataKey(c, m, dataKeyLength(in.KeySpec, in.NumberOfBytes), in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &GenerateDataKeyWithoutPlaintextOutput{CiphertextBlob: blob, KeyID: k.ARN, KeyMaterialID: k.materialID(k.Material)}, nil
}
