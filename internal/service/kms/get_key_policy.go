package kms

import (
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetKeyPolicyInput asks for a key's policy.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html
type GetKeyPolicyInput struct {
	KeyID      optional.Of[string] `aws:"KeyId" audit:"keyId"`
	PolicyName optional.Of[string] `aws:"PolicyName" audit:"policyName"`
}

// GetKeyPolicyOutput holds the policy's text.
type GetKeyPolicyOutput struct {
	Policy     string `aws:"Policy"`
	PolicyName string `aws:"PolicyName"`
}

// Validate checks the limits of the public model.
func (in *GetKeyPolicyInput) Validate(c *check.Checks) {
	checkKeyID(c, in.KeyID)
	checkPolicyName(c, in.PolicyName)
}

func (s *Service) getKeyPolicy() operation.Operation {
	return operation.Use[GetKeyPolicyInput, GetKeyPolicyOutput, *target, *GetKeyPolicyInput]{
		Name:    "GetKeyPolicy",
		Actions: []string{"kms:GetKeyPolicy"},
		Subject: func(c *operation.Call, in *GetKeyPolicyInput) (*target, error) {
			return s.keyOnly(c, in.KeyID.V, s.keyToUse)
		},
		Asks: asksOnKey[GetKeyPolicyInput]("kms:GetKeyPolicy", false),
		Run:  s.runGetKeyPolicy,
	}.Operation()
}

func (s *Service) runGetKeyPolicy(c *operation.Call, in *GetKeyPolicyInput, t *target) (*GetKeyPolicyOutput, error) {
	k, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if err := onlyDefault(in.PolicyName); err != nil {
		return nil, err
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	p, err := readPolicy(c.Context, r, k.Region, k.ID)
	if err != nil {
		return nil, err
	}
	text, err := s.shown(c, r, p)
	if err != nil {
		return nil, err
	}
	return &GetKeyPolicyOutput{Policy: text, PolicyName: policyNameDefault}, nil
}
