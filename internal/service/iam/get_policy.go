package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetPolicyInput names a managed policy.
type GetPolicyInput struct {
	PolicyARN optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
}

// Validate checks the limits of the public API.
func (in *GetPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPolicyARN(c, in.PolicyARN)
}

// GetPolicyOutput is the policy, without its documents.
type GetPolicyOutput struct {
	Policy Policy `aws:"Policy"`
}

// getPolicy implements GetPolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html
func (s *Service) getPolicy() operation.Operation {
	return operation.Use[GetPolicyInput, GetPolicyOutput, policyTarget, *GetPolicyInput]{
		Name:    "GetPolicy",
		Actions: []string{"iam:GetPolicy"},
		Subject: func(c *operation.Call, in *GetPolicyInput) (policyTarget, error) {
			return s.policyNamed(c, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, _ *GetPolicyInput, t policyTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askRead(c, "iam:GetPolicy"))
		},
		Run: func(c *operation.Call, _ *GetPolicyInput, t policyTarget) (*GetPolicyOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			r, err := c.Reader()
			if err != nil {
				return nil, err
			}
			u, _, err := getPolicyUse(c.Context, r, ownAccount(c), t.policy.ID)
			if err != nil {
				return nil, err
			}
			shown := t.policy.shown(c.Partition, u)
			shown.Description = optional.Of[string]{V: t.policy.Description, Set: t.policy.Description != ""}
			shown.Tags = tagList(t.policy.Tags)
			return &GetPolicyOutput{Policy: shown}, nil
		},
	}.Operation()
}
