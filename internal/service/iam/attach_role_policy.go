package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// AttachRolePolicyInput names a managed policy to be attached to a role.
type AttachRolePolicyInput struct {
	RoleName  optional.Of[string] `aws:"RoleName" audit:"roleName"`
	PolicyARN optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
}

// Validate checks the limits of the public API.
func (in *AttachRolePolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	checkPolicyARN(c, in.PolicyARN)
}

// attachRolePolicy implements AttachRolePolicy. A policy that is attached already stays so.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html
func (s *Service) attachRolePolicy() operation.Operation {
	return operation.Change[AttachRolePolicyInput, operation.None, attaching[roleTarget], *AttachRolePolicyInput]{
		Name:    "AttachRolePolicy",
		Actions: []string{"iam:AttachRolePolicy"},
		Subject: func(c *operation.Call, in *AttachRolePolicyInput) (attaching[roleTarget], error) {
			return newAttaching(s, c, s.roleNamed, in.RoleName.V, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, in *AttachRolePolicyInput, a attaching[roleTarget], asks []authz.Ask) []authz.Ask {
			return append(asks, a.to.askBounded(c, "iam:AttachRolePolicy", &facts{policy: in.PolicyARN.V}))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *AttachRolePolicyInput, a attaching[roleTarget]) (*operation.None, error) {
			if err := a.to.modifiable(); err != nil {
				return nil, err
			}
			o := *a.to.role
			attached, changed, err := attach(c, tx, o.Attached, &a.policy, "PoliciesPerRole")
			if err != nil {
				return nil, err
			}
			if !changed {
				return &operation.None{}, nil
			}
			o.Attached = attached
			if err := putRole(c.Context, tx, o, a.to.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
