package kms

import (
	"fmt"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// DecapsulateInput asks for the secret that was encapsulated for the key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decapsulate.html
type DecapsulateInput struct {
	KeyID                      optional.Of[string] `aws:"KeyId" audit:"keyId"`
	EncapsulationAlgorithm     optional.Of[string] `aws:"EncapsulationAlgorithm" audit:"encapsulationAlgorithm"`
	SharedSecretCiphertextBlob []byte              `aws:"SharedSecretCiphertextBlob"`
	GrantTokens                []string            `aws:"GrantTokens"`
	DryRun                     optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
}

// DecapsulateOutput holds the secret of 32 bytes. Whether anybody shares it is
// not known: a ciphertext of the right length that was not made for the key
// yields one too (FIPS 203 §6.3).
type DecapsulateOutput struct {
	KeyID                  string             `aws:"KeyId"`
	EncapsulationAlgorithm string             `aws:"EncapsulationAlgorithm"`
	SharedSecret           confidential.Bytes `aws:"SharedSecret"`
}

// Validate checks the limits of the public model.
func (in *DecapsulateInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkEncapsulation(c, in.EncapsulationAlgorithm)
	c.Required("sharedSecretCiphertextBlob", in.SharedSecretCiphertextBlob != nil)
	c.Bytes("sharedSecretCiphertextBlob", in.SharedSecretCiphertextBlob != nil, len(in.SharedSecretCiphertextBlob), 1, ciphertextMax)
	checkGrantTokens(c, in.GrantTokens)
}

func (s *Service) decapsulate() operation.Operation {
	return operation.Use[DecapsulateInput, DecapsulateOutput, *target, *DecapsulateInput]{
		Name:          "Decapsulate",
		Cryptographic: true,
		Actions:       []string{"kms:Decapsulate"},
		Subject: func(c *operation.Call, in *DecapsulateInput) (*target, error) {
			t, err := s.keyOrAlias(c, in.KeyID.V)
			if err != nil {
				return nil, err
			}
			return t, s.checkTokens(in.GrantTokens)
		},
		Asks: asksOnKey[DecapsulateInput]("kms:Decapsulate", true),
		Run:  runDecapsulate,
	}.Operation()
}

func runDecapsulate(c *operation.Call, in *DecapsulateInput, t *target) (*DecapsulateOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	m, err := k.toUse("Decapsulate", usageEncapsulateDecapsulate, in.EncapsulationAlgorithm.V)
	if err != nil {
		return nil, err
	}
	if in.DryRun.V {
		return nil, errDryRun
	}
	secret, err := m.Decapsulate(in.SharedSecretCiphertextBlob)
	if err != nil {
		return nil, opened(fmt.Errorf("decapsulating with key %s: %w", k.ID, err))
	}
	return &DecapsulateOutput{KeyID: k.ARN, EncapsulationAlgorithm: in.EncapsulationAlgorithm.V, SharedSecret: secret}, nil
}
