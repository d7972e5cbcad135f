package kms

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
	"claviger/internal/words/pairs"
)

// GenerateDataKeyInput asks for a random data key, in clear and encrypted.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html
type GenerateDataKeyInput struct {
	KeyID             optional.Of[string] `aws:"KeyId" audit:"keyId"`
	EncryptionContext pairs.Map           `aws:"EncryptionContext" audit:"encryptionContext"`
	NumberOfBytes     optional.Of[int]    `aws:"NumberOfBytes" audit:"numberOfBytes"`
	KeySpec           optional.Of[string] `aws:"KeySpec" audit:"keySpec"`
	GrantTokens       []string            `aws:"GrantTokens"`
	Recipient         *Recipient          `aws:"Recipient"`
	DryRun            optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
}

// GenerateDataKeyOutput holds the data key.
type GenerateDataKeyOutput struct {
	CiphertextBlob         []byte              `aws:"CiphertextBlob"`
	Plaintext              confidential.Bytes  `aws:"Plaintext"`
	KeyID                  string              `aws:"KeyId"`
	CiphertextForRecipient []byte              `aws:"CiphertextForRecipient"`
	KeyMaterialID          optional.Of[string] `aws:"KeyMaterialId"`
}

// Validate checks the limits of the public model.
func (in *GenerateDataKeyInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkDataKey(c, in.KeySpec, in.NumberOfBytes)
	checkGrantTokens(c, in.GrantTokens)
	checkRecipient(c, in.Recipient)
	checkEncryptionContext(c, "EncryptionContext", in.EncryptionContext)
}

func (s *Service) generateDataKey() operation.Operation {
	return operation.Use[GenerateDataKeyInput, GenerateDataKeyOutput, *target, *GenerateDataKeyInput]{
		Name:          "GenerateDataKey",
		Cryptographic: true,
		Actions:       []string{"kms:GenerateDataKey"},
		Subject: func(c *operation.Call, in *GenerateDataKeyInput) (*target, error) {
			return s.attested(c, in.Recipient, func() (*target, error) {
				return s.dataKeyTarget(c, in.KeyID.V, in.EncryptionContext, in.GrantTokens)
			})
		},
		Asks: asksOnKey[GenerateDataKeyInput]("kms:GenerateDataKey", true),
		Run:  runGenerateDataKey,
	}.Operation()
}

func runGenerateDataKey(c *operation.Call, in *GenerateDataKeyInput, t *target) (*GenerateDataKeyOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	m, err := k.toWrap("GenerateDataKey")
	if err != nil {
		return nil, err
	}
	if err := t.recipient.supported(); err != nil {
		return nil, err
	}
	if in.DryRun.V {
		return nil, errDryRun
	}
	plaintext, blob, err := k.newDataKey(c, m, dataKeyLength(in.KeySpec, in.NumberOfBytes), in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	out := &GenerateDataKeyOutput{CiphertextBlob: blob, KeyID: k.ARN, KeyMaterialID: t.recipient.told(k.materialID(k.Material))}
	out.Plaintext, out.CiphertextForRecipient, err = t.recipient.deliver(plaintext)
	return out, err
}
