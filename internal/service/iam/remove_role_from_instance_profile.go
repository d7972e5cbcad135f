package iam

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/fault"
	"claviger/internal/words/optional"
)

// RemoveRoleFromInstanceProfileInput names an instance profile and a role.
type RemoveRoleFromInstanceProfileInput struct {
	InstanceProfileName optional.Of[string] `aws:"InstanceProfileName" audit:"instanceProfileName"`
	RoleName            optional.Of[string] `aws:"RoleName" audit:"roleName"`
}

// Validate checks the limits of the public API.
func (in *RemoveRoleFromInstanceProfileInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "instanceProfileName", in.InstanceProfileName, nameMax)
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
}

// removeRoleFromInstanceProfile implements RemoveRoleFromInstanceProfile.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveRoleFromInstanceProfile.html
func (s *Service) removeRoleFromInstanceProfile() operation.Operation {
	return operation.Change[RemoveRoleFromInstanceProfileInput, operation.None, placement, *RemoveRoleFromInstanceProfileInput]{
		Name:    "RemoveRoleFromInstanceProfile",
		Actions: []string{"iam:RemoveRoleFromInstanceProfile"},
		Subject: func(c *operation.Call, in *RemoveRoleFromInstanceProfileInput) (placement, error) {
			return s.placement(c, in.InstanceProfileName, in.RoleName)
		},
		Asks: func(c *operation.Call, _ *RemoveRoleFromInstanceProfileInput, p placement, asks []authz.Ask) []authz.Ask {
			return append(asks, p.ask(c, "iam:RemoveRoleFromInstanceProfile", &facts{}))
		},
		Run: runRemoveRoleFromInstanceProfile,
	}.Operation()
}

func runRemoveRoleFromInstanceProfile(c *operation.Call, tx store.Txn, _ *RemoveRoleFromInstanceProfileInput, p placement) (*operation.None, error) {
	if err := p.exists(); err != nil {
		return nil, err
	}
	profile, role := *p.profile, *p.role.role
	if profile.Role != role.ID {
		return nil, fault.New(NoSuchEntity, "The role with name %s is not in instance profile %s.", role.Name, profile.Name)
	}
	profile.Role = ""
	if err := putInstanceProfile(c.Context, tx, profile, p.rev); err != nil {
		return nil, err
	}
	role.Profiles = slices.DeleteFunc(slices.Clone(role.Profiles), func(id string) bool { return id == profile.ID })
	if err := putRole(c.Context, tx, role, p.role.rev); err != nil {
		return nil, err
	}
	return &operation.None{}, nil
}
