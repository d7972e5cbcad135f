package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetUserPolicyInput names an inline policy of a user.
type GetUserPolicyInput struct {
	UserName   optional.Of[string] `aws:"UserName" audit:"userName"`
	PolicyName optional.Of[string] `aws:"PolicyName" audit:"policyName"`
}

// Validate checks the limits of the public API.
func (in *GetUserPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, nameMax)
	checkRequiredName(c, "policyName", in.PolicyName, nameMax)
}

// GetUserPolicyOutput is the policy as it was put.
type GetUserPolicyOutput struct {
	UserName       string `aws:"UserName"`
	PolicyName     string `aws:"PolicyName"`
	PolicyDocument string `aws:"PolicyDocument,document"`
}

// getUserPolicy implements GetUserPolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUserPolicy.html
func (s *Service) getUserPolicy() operation.Operation {
	return operation.Use[GetUserPolicyInput, GetUserPolicyOutput, target, *GetUserPolicyInput]{
		Name:    "GetUserPolicy",
		Actions: []string{"iam:GetUserPolicy"},
		Subject: func(c *operation.Call, in *GetUserPolicyInput) (target, error) {
			return s.named(c, in.UserName.V)
		},
		Asks: func(c *operation.Call, _ *GetUserPolicyInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:GetUserPolicy"))
		},
		Run: func(_ *operation.Call, in *GetUserPolicyInput, t target) (*GetUserPolicyOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			document, ok := t.user.Policies.Get(in.PolicyName.V)
			if !ok {
				return nil, noSuchUserPolicy(in.PolicyName.V)
			}
			return &GetUserPolicyOutput{
				UserName:       t.user.Name,
				PolicyName:     in.PolicyName.V,
				PolicyDocument: document,
			}, nil
		},
	}.Operation()
}
