package kms

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// GetPublicKeyInput asks for the public half of an asymmetric key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html
type GetPublicKeyInput struct {
	KeyID       optional.Of[string] `aws:"KeyId" audit:"keyId"`
	GrantTokens []string            `aws:"GrantTokens"`
}

// GetPublicKeyOutput holds it, and says what it is for. One of the lists is
// there, that of the key's usage.
type GetPublicKeyOutput struct {
	KeyID                 string `aws:"KeyId"`
	PublicKey             []byte `aws:"PublicKey"` // SubjectPublicKeyInfo in DER (RFC 5280)
	CustomerMasterKeySpec string `aws:"CustomerMasterKeySpec"`
	KeySpec               string `aws:"KeySpec"`
	KeyUsage              string `aws:"KeyUsage"`

	EncryptionAlgorithms    []string `aws:"EncryptionAlgorithms"`
	SigningAlgorithms       []string `aws:"SigningAlgorithms"`
	KeyAgreementAlgorithms  []string `aws:"KeyAgreementAlgorithms"`
	EncapsulationAlgorithms []string `aws:"EncapsulationAlgorithms"`
}

// Validate checks the limits of the public model.
func (in *GetPublicKeyInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkGrantTokens(c, in.GrantTokens)
}

func (s *Service) getPublicKey() operation.Operation {
	return operation.Use[GetPublicKeyInput, GetPublicKeyOutput, *target, *GetPublicKeyInput]{
		Name:    "GetPublicKey",
		Actions: []string{"kms:GetPublicKey"},
		Subject: func(c *operation.Call, in *GetPublicKeyInput) (*target, error) {
			t, err := s.keyOrAlias(c, in.KeyID.V)
			if err != nil {
				return nil, err
			}
			return t, s.checkTokens(in.GrantTokens)
		},
		Asks: asksOnKey[GetPublicKeyInput]("kms:GetPublicKey", true),
		Run:  runGetPublicKey,
	}.Operation()
}

func runGetPublicKey(c *operation.Call, _ *GetPublicKeyInput, t *target) (*GetPublicKeyOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if !k.hasPublic() {
		return nil, fault.New(fault.UnsupportedOperation, "%s key spec is %s which is not valid for this operation.", k.ARN, k.Spec)
	}
	if err := k.ready(toShow); err != nil {
		return nil, err
	}
	if k.PublicKey == nil { // no material was imported yet
		return nil, fault.New(InvalidState, "%s %s", k.ARN, noImport)
	}
	return &GetPublicKeyOutput{
		KeyID:                   k.ARN,
		PublicKey:               k.PublicKey,
		CustomerMasterKeySpec:   k.Spec,
		KeySpec:                 k.Spec,
		KeyUsage:                k.Usage,
		EncryptionAlgorithms:    k.algorithms(usageEncryptDecrypt),
		SigningAlgorithms:       k.algorithms(usageSignVerify),
		KeyAgreementAlgorithms:  k.algorithms(usageKeyAgreement),
		EncapsulationAlgorithms: k.algorithms(usageEncapsulateDecapsulate),
	}, nil
}
