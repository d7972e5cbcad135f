package kms

import (
	"fmt"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// VerifyInput asks whether a signature is one of the key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html
type VerifyInput struct {
	KeyID            optional.Of[string] `aws:"KeyId" audit:"keyId"`
	Message          confidential.Bytes  `aws:"Message"`
	MessageType      optional.Of[string] `aws:"MessageType" audit:"messageType"`
	Signature        []byte              `aws:"Signature"`
	SigningAlgorithm optional.Of[string] `aws:"SigningAlgorithm" audit:"signingAlgorithm"`
	GrantTokens      []string            `aws:"GrantTokens"`
	DryRun           optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
}

// VerifyOutput says that it is: otherwise the call is refused.
type VerifyOutput struct {
	KeyID            string `aws:"KeyId"`
	SignatureValid   bool   `aws:"SignatureValid"`
	SigningAlgorithm string `aws:"SigningAlgorithm"`
}

// Validate checks the limits of the public model.
func (in *VerifyInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkSigned(c, in.Message, in.MessageType, in.SigningAlgorithm)
	c.Required("signature", in.Signature != nil)
	c.Bytes("signature", in.Signature != nil, len(in.Signature), 1, ciphertextMax)
	checkGrantTokens(c, in.GrantTokens)
}

func (s *Service) verify() operation.Operation {
	return operation.Use[VerifyInput, VerifyOutput, *target, *VerifyInput]{
		Name:          "Verify",
		Cryptographic: true,
		Actions:       []string{"kms:Verify"},
		Subject: func(c *operation.Call, in *VerifyInput) (*target, error) {
			return s.signingTarget(c, in.KeyID.V, formOf(in.MessageType), in.SigningAlgorithm.V, in.GrantTokens)
		},
		Asks: asksOnKey[VerifyInput]("kms:Verify", true),
		Run:  runVerify,
	}.Operation()
}

func runVerify(c *operation.Call, in *VerifyInput, t *target) (*VerifyOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	form := formOf(in.MessageType)
	m, err := k.toSign("Verify", t.signing, form, in.Message.Len())
	if err != nil {
		return nil, err
	}
	if in.DryRun.V {
		return nil, errDryRun
	}
	valid, err := m.Verify(t.signing, form, in.Message, in.Signature)
	if err != nil {
		return nil, fmt.Errorf("verifying with key %s: %w", k.ID, err)
	}
	if !valid {
		return nil, errSignature
	}
	return &VerifyOutput{KeyID: k.ARN, SignatureValid: true, SigningAlgorithm: t.signing}, nil
}
