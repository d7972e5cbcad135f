package kms

import (
	"fmt"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// SignInput asks for a signature of a message or of its digest.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
type SignInput struct {
	KeyID            optional.Of[string] `aws:"KeyId" audit:"keyId"`
	Message          confidential.Bytes  `aws:"Message"`
	MessageType      optional.Of[string] `aws:"MessageType" audit:"messageType"`
	GrantTokens      []string            `aws:"GrantTokens"`
	SigningAlgorithm optional.Of[string] `aws:"SigningAlgorithm" audit:"signingAlgorithm"`
	DryRun           optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
}

// SignOutput holds the signature.
type SignOutput struct {
	KeyID            string `aws:"KeyId"`
	Signature        []byte `aws:"Signature"`
	SigningAlgorithm string `aws:"SigningAlgorithm"`
}

// Validate checks the limits of the public model.
func (in *SignInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkSigned(c, in.Message, in.MessageType, in.SigningAlgorithm)
	checkGrantTokens(c, in.GrantTokens)
}

func (s *Service) sign() operation.Operation {
	return operation.Use[SignInput, SignOutput, *target, *SignInput]{
		Name:          "Sign",
		Cryptographic: true,
		Actions:       []string{"kms:Sign"},
		Subject: func(c *operation.Call, in *SignInput) (*target, error) {
			return s.signingTarget(c, in.KeyID.V, formOf(in.MessageType), in.SigningAlgorithm.V, in.GrantTokens)
		},
		Asks: asksOnKey[SignInput]("kms:Sign", true),
		Run:  runSign,
	}.Operation()
}

func runSign(c *operation.Call, in *SignInput, t *target) (*SignOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	form := formOf(in.MessageType)
	m, err := k.toSign("Sign", t.signing, form, in.Message.Len())
	if err != nil {
		return nil, err
	}
	if in.DryRun.V {
		return nil, errDryRun
	}
	signature, err := m.Sign(c.Context, t.signing, form, in.Message)
	if err != nil {
		return nil, fmt.Errorf("signing with key %s: %w", k.ID, err)
	}
	return &SignOutput{KeyID: k.ARN, Signature: signature, SigningAlgorithm: t.signing}, nil
}
