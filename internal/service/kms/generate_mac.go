package kms

import (
	"fmt"

	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/confidential"
	"claviger/internal/words/optional"
)

// GenerateMacInput asks for the HMAC of a message.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html
type GenerateMacInput struct {
	Message      confidential.Bytes  `aws:"Message"`
	KeyID        optional.Of[string] `aws:"KeyId" audit:"keyId"`
	MacAlgorithm optional.Of[string] `aws:"MacAlgorithm" audit:"macAlgorithm"`
	GrantTokens  []string            `aws:"GrantTokens"`
	DryRun       optional.Of[bool]   `aws:"DryRun" audit:"dryRun"`
}

// GenerateMacOutput holds the HMAC, which is as long as its hash.
type GenerateMacOutput struct {
	Mac          []byte `aws:"Mac"`
	MacAlgorithm string `aws:"MacAlgorithm"`
	KeyID        string `aws:"KeyId"`
}

// Validate checks the limits of the public model.
func (in *GenerateMacInput) Validate(c *check.Checks) {
	checkText(c, in.Message)
	checkKeyID(c, in.KeyID)
	checkMACAlgorithm(c, in.MacAlgorithm)
	checkGrantTokens(c, in.GrantTokens)
}

func checkMACAlgorithm(c *check.Checks, algorithm optional.Of[string]) {
	if c.Required("macAlgorithm", algorithm.Set) {
		c.Enum("macAlgorithm", algorithm, macAlgorithms...)
	}
}

func (s *Service) generateMac() operation.Operation {
	return operation.Use[GenerateMacInput, GenerateMacOutput, *target, *GenerateMacInput]{
		Name:          "GenerateMac",
		Cryptographic: true,
		Actions:       []string{"kms:GenerateMac"},
		Subject: func(c *operation.Call, in *GenerateMacInput) (*target, error) {
			return s.macTarget(c, in.KeyID.V, in.MacAlgorithm.V, in.GrantTokens)
		},
		Asks: asksOnKey[GenerateMacInput]("kms:GenerateMac", true),
		Run:  runGenerateMac,
	}.Operation()
}

func runGenerateMac(c *operation.Call, in *GenerateMacInput, t *target) (*GenerateMacOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	m, err := k.toUse("GenerateMac", usageMAC, t.mac)
	if err != nil {
		return nil, err
	}
	if in.DryRun.V {
		return nil, errDryRun
	}
	mac, err := m.MAC(t.mac, in.Message)
	if err != nil {
		return nil, fmt.Errorf("authenticating with key %s: %w", k.ID, err)
	}
	return &GenerateMacOutput{Mac: mac, MacAlgorithm: t.mac, KeyID: k.ARN}, nil
}
