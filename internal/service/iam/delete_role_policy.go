package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// DeleteRolePolicyInput names an inline policy of a role.
type DeleteRolePolicyInput struct {
	RoleName   optional.Of[string] `aws:"RoleName" audit:"roleName"`
	PolicyName optional.Of[string] `aws:"PolicyName" audit:"policyName"`
}

// Validate checks the limits of the public API.
func (in *DeleteRolePolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	checkRequiredName(c, "policyName", in.PolicyName, nameMax)
}

// deleteRolePolicy implements DeleteRolePolicy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRolePolicy.html
func (s *Service) deleteRolePolicy() operation.Operation {
	return operation.Change[DeleteRolePolicyInput, operation.None, roleTarget, *DeleteRolePolicyInput]{
		Name:    "DeleteRolePolicy",
		Actions: []string{"iam:DeleteRolePolicy"},
		Subject: func(c *operation.Call, in *DeleteRolePolicyInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, _ *DeleteRolePolicyInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askBounded(c, "iam:DeleteRolePolicy", &facts{}))
		},
		Run: func(c *operation.Call, tx store.Txn, in *DeleteRolePolicyInput, t roleTarget) (*operation.None, error) {
			if err := t.modifiable(); err != nil {
				return nil, err
			}
			if _, ok := t.role.Policies.Get(in.PolicyName.V); !ok {
				return nil, noSuchRolePolicy(in.PolicyName.V)
			}
			o := *t.role
			o.Policies = o.Policies.Without(in.PolicyName.V)
			if err := putRole(c.Context, tx, o, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
