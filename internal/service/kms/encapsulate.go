package kms

import (
	"fmt"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// EncapsulateInput asks for a new secret, and for the form of it that only the
// key's private half opens (FIPS 203).
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Encapsulate.html
type EncapsulateInput struct {
	KeyID                  optional.Of[string] `aws:"KeyId" audit:"keyId"`
	EncapsulationAlgorithm optional.Of[string] `aws:"EncapsulationAlgorithm" audit:"encapsulationAlgorithm"`
	GrantTokens            []string            `aws:"GrantTokens"`
	DryRun                 optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
}

// EncapsulateOutput holds the secret of 32 bytes, and its ciphertext of 768, 1088
// or 1568.
type EncapsulateOutput struct {
	KeyID                      string             `aws:"KeyId"`
	EncapsulationAlgorithm     string             `aws:"EncapsulationAlgorithm"`
	SharedSecret               confidential.Bytes `aws:"SharedSecret"`
	SharedSecretCiphertextBlob []byte             `aws:"SharedSecretCiphertextBlob"`
}

// Validate checks the limits of the public model.
func (in *EncapsulateInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkEncapsulation(c, in.EncapsulationAlgorithm)
	checkGrantTokens(c, in.GrantTokens)
}

func checkEncapsulation(c *check.Checks, algorithm optional.Of[string]) {
	if c.Required("encapsulationAlgorithm", algorithm.Set) {
		c.Enum("encapsulationAlgorithm", algorithm, mlKEM)
	}
}

func (s *Service) encapsulate() operation.Operation {
	return operation.Use[EncapsulateInput, EncapsulateOutput, *target, *EncapsulateInput]{
		Name:          "Encapsulate",
		Cryptographic: true,
		Actions:       []string{"kms:Encapsulate"},
		Subject: func(c *operation.Call, in *EncapsulateInput) (*target, error) {
			t, err := s.keyOrAlias(c, in.KeyID.V)
			if err != nil {
				return nil, err
			}
			return t, s.checkTokens(in.GrantTokens)
		},
		Asks: asksOnKey[EncapsulateInput]("kms:Encapsulate", true),
		Run:  runEncapsulate,
	}.Operation()
}

func runEncapsulate(c *operation.Call, in *EncapsulateInput, t *target) (*EncapsulateOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	m, err := k.toUse("Encapsulate", usageEncapsulateDecapsulate, in.EncapsulationAlgorithm.V)
	if err != nil {
		return nil, err
	}
	if in.DryRun.V {
		return nil, errDryRun
	}
	secret, ciphertext, err := m.Encapsulate()
	if err != nil {
		return nil, fmt.Errorf("encapsulating for key %s: %w", k.ID, err)
	}
	return &EncapsulateOutput{
		KeyID:                      k.ARN,
		EncapsulationAlgorithm:     in.EncapsulationAlgorithm.V,
		SharedSecret:               secret,
		SharedSecretCiphertextBlob: ciphertext,
	}, nil
}
