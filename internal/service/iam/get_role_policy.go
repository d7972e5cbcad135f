package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetRolePolicyInput names an inline policy of a role.
type GetRolePolicyInput struct {
	RoleName   optional.Of[string] `aws:"RoleName" audit:"roleName"`
	PolicyName optional.Of[string] `aws:"PolicyName" audit:"policyName"`
}

// Validate checks the limits of the public API.
func (in *GetRolePolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	checkRequiredName(c, "policyName", in.PolicyName, nameMax)
}

// GetRolePolicyOutput is the policy as it was put.
type GetRolePolicyOutput struct {
	RoleName       string `aws:"RoleName"`
	PolicyName     string `aws:"PolicyName"`
	PolicyDocument string `aws:"PolicyDocument,document"`
}

// getRolePolicy implements GetRolePolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html
func (s *Service) getRolePolicy() operation.Operation {
	return operation.Use[GetRolePolicyInput, GetRolePolicyOutput, roleTarget, *GetRolePolicyInput]{
		Name:    "GetRolePolicy",
		Actions: []string{"iam:GetRolePolicy"},
		Subject: func(c *operation.Call, in *GetRolePolicyInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, _ *GetRolePolicyInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:GetRolePolicy"))
		},
		Run: func(_ *operation.Call, in *GetRolePolicyInput, t roleTarget) (*GetRolePolicyOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			document, ok := t.role.Policies.Get(in.PolicyName.V)
			if !ok {
				return nil, noSuchRolePolicy(in.PolicyName.V)
			}
			return &GetRolePolicyOutput{
				RoleName:       t.role.Name,
				PolicyName:     in.PolicyName.V,
				PolicyDocument: document,
			}, nil
		},
	}.Operation()
}
