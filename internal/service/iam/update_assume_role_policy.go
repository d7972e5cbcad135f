package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UpdateAssumeRolePolicyInput has the new trust policy of a role.
type UpdateAssumeRolePolicyInput struct {
	RoleName       optional.Of[string] `aws:"RoleName" audit:"roleName"`
	PolicyDocument optional.Of[string] `aws:"PolicyDocument" audit:"policyDocument"`
}

// Validate checks the limits of the public API.
func (in *UpdateAssumeRolePolicyInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	checkDocument(c, "policyDocument", in.PolicyDocument)
}

// updateAssumeRolePolicy implements UpdateAssumeRolePolicy. Sessions that were
// let in by the policy before go on.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html
func (s *Service) updateAssumeRolePolicy() operation.Operation {
	return operation.Change[UpdateAssumeRolePolicyInput, operation.None, roleTarget, *UpdateAssumeRolePolicyInput]{
		Name:    "UpdateAssumeRolePolicy",
		Actions: []string{"iam:UpdateAssumeRolePolicy"},
		Subject: func(c *operation.Call, in *UpdateAssumeRolePolicyInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, _ *UpdateAssumeRolePolicyInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:UpdateAssumeRolePolicy"))
		},
		Run: func(c *operation.Call, tx store.Txn, in *UpdateAssumeRolePolicyInput, t roleTarget) (*operation.None, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			o := *t.role
			var err error
			if o.Trust, err = s.newTrust(c.Context, tx, in.PolicyDocument.V); err != nil {
				return nil, err
			}
			if err := putRole(c.Context, tx, o, t.rev); err != nil {
				return nil, err
			}
			return &operation.None{}, nil
		},
	}.Operation()
}
