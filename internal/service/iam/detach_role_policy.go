package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DetachRolePolicyInput names a managed policy to be detached from a role.
type DetachRolePolicyInput struct {
	RoleName  optional.Of[string] `aws:"RoleName" audit:"roleName"`
	PolicyARN optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
}

// Validate checks the limits of the public API.
func (in *DetachRolePolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	checkPolicyARN(c, in.PolicyARN)
}

// detachRolePolicy implements DetachRolePolicy. Once the call is answered the policy allows and denies the role nothing any more.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachRolePolicy.html
func (s *Service) detachRolePolicy() operation.Operation {
	return operation.Change[DetachRolePolicyInput, operation.None, attaching[roleTarget], *DetachRolePolicyInput]{
		Name:    "DetachRolePolicy",
		Actions: []string{"iam:DetachRolePolicy"},
		Subject: func(c *operation.Call, in *DetachRolePolicyInput) (attaching[roleTarget], error) {
			return newAttaching(s, c, s.roleNamed, in.RoleName.V, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, in *DetachRolePolicyInput, a attaching[roleTarget], asks []authz.Ask) []authz.Ask {
			return append(asks, a.to.askBounded(c, "iam:DetachRolePolicy", &facts{policy: in.PolicyARN.V}))
		},
		Run: func(c *operation.Call, tx store.Txn, _ *DetachRolePolicyInput, a attaching[roleTarget]) (*operation.None, error) {
			if err := a.to.modifiable(); err != nil {
				return nil, err
			}
			o := *a.to.role
			var err error
			if o.Attached, err = detach(c, tx, o.Attached, &a.policy); err != nil {
				return nil, err
			}
			if err := putRole(c.Context, tx, o, a.to.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
