package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// GetRoleInput names a role.
type GetRoleInput struct {
	RoleName optional.Of[string] `aws:"RoleName" audit:"roleName"`
}

// Validate checks the limits of the public API.
func (in *GetRoleInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
}

// GetRoleOutput is the role, with its last use: no other output shows that.
type GetRoleOutput struct {
	Role Role `aws:"Role"`
}

// getRole implements GetRole.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html
func (s *Service) getRole() operation.Operation {
	return operation.Use[GetRoleInput, GetRoleOutput, roleTarget, *GetRoleInput]{
		Name:    "GetRole",
		Actions: []string{"iam:GetRole"},
		Subject: func(c *operation.Call, in *GetRoleInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, _ *GetRoleInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:GetRole"))
		},
		Run: func(c *operation.Call, _ *GetRoleInput, t roleTarget) (*GetRoleOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			r, err := c.Reader()
			if err != nil {
				return nil, err
			}
			shown, err := s.shownWholeRole(c, r, t.role)
			if err != nil {
				return nil, err
			}
			used, err := s.lastUse(c, t.role.ID)
			if err != nil {
				return nil, err
			}
			shown.RoleLastUsed = &RoleLastUsed{}
			if used != nil {
				*shown.RoleLastUsed = RoleLastUsed{LastUsedDate: optional.Some(used.Time), Region: optional.Some(used.Region)}
			}
			return &GetRoleOutput{Role: shown}, nil
		},
	}.Operation()
}
