package iam

import (
	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// UpdateRoleDescriptionInput has the new description of a role.
type UpdateRoleDescriptionInput struct {
	RoleName    optional.Of[string] `aws:"RoleName" audit:"roleName"`
	Description optional.Of[string] `aws:"Description" audit:"description"`
}

// Validate checks the limits of the public API.
func (in *UpdateRoleDescriptionInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	c.Required("description", in.Description.Set)
	checkDescription(c, in.Description)
}

// UpdateRoleDescriptionOutput is the role as it is now.
type UpdateRoleDescriptionOutput struct {
	Role Role `aws:"Role" audit:"role"`
}

// updateRoleDescription implements UpdateRoleDescription.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRoleDescription.html
func (s *Service) updateRoleDescription() operation.Operation {
	return operation.Change[UpdateRoleDescriptionInput, UpdateRoleDescriptionOutput, roleTarget, *UpdateRoleDescriptionInput]{
		Name:    "UpdateRoleDescription",
		Actions: []string{"iam:UpdateRoleDescription"},
		Subject: func(c *operation.Call, in *UpdateRoleDescriptionInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, _ *UpdateRoleDescriptionInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:UpdateRoleDescription"))
		},
		Run: func(c *operation.Call, tx store.Txn, in *UpdateRoleDescriptionInput, t roleTarget) (*UpdateRoleDescriptionOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			o := *t.role
			o.Description = in.Description.V
			if err := putRole(c.Context, tx, o, t.rev); err != nil {
				return nil, err
			}
			shown, err := s.shownWholeRole(c, tx, &o)
			if err != nil {
				return nil, err
			}
			return &UpdateRoleDescriptionOutput{Role: shown}, nil
		},
	}.Operation()
}
