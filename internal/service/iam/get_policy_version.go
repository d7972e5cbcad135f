package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetPolicyVersionInput names a version of a managed policy.
type GetPolicyVersionInput struct {
	PolicyARN optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
	VersionID optional.Of[string] `aws:"VersionId" audit:"versionId"`
}

// Validate checks the limits of the public API.
func (in *GetPolicyVersionInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPolicyARN(c, in.PolicyARN)
	checkVersionID(c, in.VersionID)
}

// GetPolicyVersionOutput is the version with its document.
type GetPolicyVersionOutput struct {
	PolicyVersion PolicyVersion `aws:"PolicyVersion"`
}

// getPolicyVersion implements GetPolicyVersion.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html
func (s *Service) getPolicyVersion() operation.Operation {
	return operation.Use[GetPolicyVersionInput, GetPolicyVersionOutput, policyTarget, *GetPolicyVersionInput]{
		Name:    "GetPolicyVersion",
		Actions: []string{"iam:GetPolicyVersion"},
		Subject: func(c *operation.Call, in *GetPolicyVersionInput) (policyTarget, error) {
			return s.policyNamed(c, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, _ *GetPolicyVersionInput, t policyTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askRead(c, "iam:GetPolicyVersion"))
		},
		Run: func(c *operation.Call, in *GetPolicyVersionInput, t policyTarget) (*GetPolicyVersionOutput, error) {
			v, err := t.version(in.VersionID.V)
			if err != nil {
				return nil, err
			}
			r, err := c.Reader()
			if err != nil {
				return nil, err
			}
			text, err := t.policy.document(c.Context, r, v.Number)
			if err != nil {
				return nil, err
			}
			shown := t.policy.shownVersion(v)
			shown.Document = optional.Some(text)
			return &GetPolicyVersionOutput{PolicyVersion: shown}, nil
		},
	}.Operation()
}
