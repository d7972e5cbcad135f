package kms

import (
	"fmt"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// VerifyMacInput asks whether an HMAC is the one of a message.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_VerifyMac.html
type VerifyMacInput struct {
	Message      confidential.Bytes  `aws:"Message"`
	KeyID        optional.Of[string] `aws:"KeyId" audit:"keyId"`
	MacAlgorithm optional.Of[string] `aws:"MacAlgorithm" audit:"macAlgorithm"`
	Mac          []byte              `aws:"Mac"`
	GrantTokens  []string            `aws:"GrantTokens"`
	DryRun       optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
}

// VerifyMacOutput says that it is: otherwise the call is refused.
type VerifyMacOutput struct {
	KeyID        string `aws:"KeyId"`
	MacValid     bool   `aws:"MacValid"`
	MacAlgorithm string `aws:"MacAlgorithm"`
}

// Validate checks the limits of the public model.
func (in *VerifyMacInput) Validate(c *check.Checks) {
	checkText(c, in.Message)
	checkKeyID(c, in.KeyID)
	checkMACAlgorithm(c, in.MacAlgorithm)
	c.Required("mac", in.Mac != nil)
	c.Bytes("mac", in.Mac != nil, len(in.Mac), 1, ciphertextMax)
	checkGrantTokens(c, in.GrantTokens)
}

func (s *Service) verifyMac() operation.Operation {
	return operation.Use[VerifyMacInput, VerifyMacOutput, *target, *VerifyMacInput]{
		Name:          "VerifyMac",
		Cryptographic: true,
		Actions:       []string{"kms:VerifyMac"},
		Subject: func(c *operation.Call, in *VerifyMacInput) (*target, error) {
			return s.macTarget(c, in.KeyID.V, in.MacAlgorithm.V, in.GrantTokens)
		},
		Asks: asksOnKey[VerifyMacInput]("kms:VerifyMac", true),
		Run:  runVerifyMac,
	}.Operation()
}

func runVerifyMac(c *operation.Call, in *VerifyMacInput, t *target) (*VerifyMacOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	m, err := k.toUse("VerifyMac", usageMAC, t.mac)
	if err != nil {
		return nil, err
	}
	if in.DryRun.V {
		return nil, errDryRun
	}
	valid, err := m.VerifyMAC(t.mac, in.Message, in.Mac)
	if err != nil {
		return nil, fmt.Errorf("authenticating with key %s: %w", k.ID, err)
	}
	if !valid {
		return nil, errMAC
	}
	return &VerifyMacOutput{KeyID: k.ARN, MacValid: true, MacAlgorithm: t.mac}, nil
}
