package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UpdateRoleInput has the new settings of a role.
type UpdateRoleInput struct {
	RoleName           optional.Of[string] `aws:"RoleName" audit:"roleName"`
	Description        optional.Of[string] `aws:"Description" audit:"description"`
	MaxSessionDuration optional.Of[int]    `aws:"MaxSessionDuration" audit:"maxSessionDuration"`
}

// Validate checks the limits of the public API.
func (in *UpdateRoleInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	checkDescription(c, in.Description)
	c.Range("maxSessionDuration", in.MaxSessionDuration, sessionDefault, sessionMax)
}

// UpdateRoleOutput has no members yet is a result of its own on the wire, as the
// public model has it.
type UpdateRoleOutput struct{}

// updateRole implements UpdateRole. A description that is not given stays as it
// is. A duration that is not given becomes an hour again, as documented.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html
func (s *Service) updateRole() operation.Operation {
	return operation.Change[UpdateRoleInput, UpdateRoleOutput, roleTarget, *UpdateRoleInput]{
		Name:    "UpdateRole",
		Actions: []string{"iam:UpdateRole"},
		Subject: func(c *operation.Call, in *UpdateRoleInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, _ *UpdateRoleInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:UpdateRole"))
		},
		Run: func(c *operation.Call, tx store.Txn, in *UpdateRoleInput, t roleTarget) (*UpdateRoleOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			if in.MaxSessionDuration.Set {
				if err := t.modifiable(); err != nil { // of a linked role the description alone is the account's
					return nil, err
				}
			}
			o := *t.role
			o.Description = in.Description.Or(o.Description)
			o.Longest = in.MaxSessionDuration.Or(sessionDefault)
			if err := putRole(c.Context, tx, o, t.rev); err != nil {
				return nil, err
			}
			return &UpdateRoleOutput{}, nil
		},
	}.Operation()
}
