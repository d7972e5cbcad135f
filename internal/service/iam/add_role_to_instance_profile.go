package iam

import (
	"slices"

	"claviger/internal/ground/store"
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// AddRoleToInstanceProfileInput names an instance profile and a role.
type AddRoleToInstanceProfileInput struct {
	InstanceProfileName optional.Of[string] `aws:"InstanceProfileName" audit:"instanceProfileName"`
	RoleName            optional.Of[string] `aws:"RoleName" audit:"roleName"`
}

// Validate checks the limits of the public API.
func (in *AddRoleToInstanceProfileInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "instanceProfileName", in.InstanceProfileName, nameMax)
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
}

// instancesService is whom a role in an instance profile is passed to.
const instancesService = "ec2.amazonaws.com"

// addRoleToInstanceProfile implements AddRoleToInstanceProfile. It passes the role
// to the service of instances, and so needs leave to.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddRoleToInstanceProfile.html
func (s *Service) addRoleToInstanceProfile() operation.Operation {
	return operation.Change[AddRoleToInstanceProfileInput, operation.None, placement, *AddRoleToInstanceProfileInput]{
		Name:    "AddRoleToInstanceProfile",
		Actions: []string{"iam:AddRoleToInstanceProfile", "iam:PassRole"},
		Subject: func(c *operation.Call, in *AddRoleToInstanceProfileInput) (placement, error) {
			return s.placement(c, in.InstanceProfileName, in.RoleName)
		},
		Asks: func(c *operation.Call, _ *AddRoleToInstanceProfileInput, p placement, asks []authz.Ask) []authz.Ask {
			return append(asks, p.ask(c, "iam:AddRoleToInstanceProfile", &facts{}), p.role.askWith(c, "iam:PassRole", &facts{passedTo: instancesService}))
		},
		Run: runAddRoleToInstanceProfile,
	}.Operation()
}

func runAddRoleToInstanceProfile(c *operation.Call, tx store.Txn, _ *AddRoleToInstanceProfileInput, p placement) (*operation.None, error) {
	if err := p.exists(); err != nil {
		return nil, err
	}
	if p.profile.Role != "" {
		return nil, exceeded("InstanceSessionsPerInstanceProfile", 1)
	}
	profile, role := *p.profile, *p.role.role
	profile.Role = role.ID
	if err := putInstanceProfile(c.Context, tx, profile, p.rev); err != nil {
		return nil, err
	}
	role.Profiles = append(slices.Clone(role.Profiles), profile.ID)
	if err := putRole(c.Context, tx, role, p.role.rev); err != nil {
		return nil, err
	}
	return &operation.None{}, nil
}
