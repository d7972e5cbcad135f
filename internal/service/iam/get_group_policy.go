package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetGroupPolicyInput names an inline policy of a group.
type GetGroupPolicyInput struct {
	GroupName  optional.Of[string] `aws:"GroupName" audit:"groupName"`
	PolicyName optional.Of[string] `aws:"PolicyName" audit:"policyName"`
}

// Validate checks the limits of the public API.
func (in *GetGroupPolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "groupName", in.GroupName, nameMax)
	checkRequiredName(c, "policyName", in.PolicyName, nameMax)
}

// GetGroupPolicyOutput is the policy as it was put.
type GetGroupPolicyOutput struct {
	GroupName      string `aws:"GroupName"`
	PolicyName     string `aws:"PolicyName"`
	PolicyDocument string `aws:"PolicyDocument,document"`
}

// getGroupPolicy implements GetGroupPolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroupPolicy.html
func (s *Service) getGroupPolicy() operation.Operation {
	return operation.Use[GetGroupPolicyInput, GetGroupPolicyOutput, groupTarget, *GetGroupPolicyInput]{
		Name:    "GetGroupPolicy",
		Actions: []string{"iam:GetGroupPolicy"},
		Subject: func(c *operation.Call, in *GetGroupPolicyInput) (groupTarget, error) {
			return s.groupNamed(c, in.GroupName.V)
		},
		Asks: func(c *operation.Call, _ *GetGroupPolicyInput, t groupTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:GetGroupPolicy"))
		},
		Run: func(_ *operation.Call, in *GetGroupPolicyInput, t groupTarget) (*GetGroupPolicyOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			document, ok := t.group.Policies.Get(in.PolicyName.V)
			if !ok {
				return nil, noSuchGroupPolicy(in.PolicyName.V)
			}
			return &GetGroupPolicyOutput{
				GroupName:      t.group.Name,
				PolicyName:     in.PolicyName.V,
				PolicyDocument: document,
			}, nil
		},
	}.Operation()
}
