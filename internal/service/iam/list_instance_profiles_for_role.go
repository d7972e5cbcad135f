package iam

import (
	"time"

	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListInstanceProfilesForRoleInput asks for a page of the instance profiles
// that a role is in.
type ListInstanceProfilesForRoleInput struct {
	RoleName optional.Of[string] `aws:"RoleName" audit:"roleName"`
	Marker   optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListInstanceProfilesForRoleInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	checkPage(c, in.Marker, in.MaxItems)
}

// An InstanceProfile as outputs show it.
type InstanceProfile struct {
	Path                string    `aws:"Path"`
	InstanceProfileName string    `aws:"InstanceProfileName"`
	InstanceProfileID   string    `aws:"InstanceProfileId"`
	ARN                 string    `aws:"Arn"`
	CreateDate          time.Time `aws:"CreateDate"`
	Roles               []Role    `aws:"Roles"`
	Tags                []Tag     `aws:"Tags"`
}

// ListInstanceProfilesForRoleOutput is a page of instance profiles. There are
// none that a role could be in, so that it is the only one and empty.
type ListInstanceProfilesForRoleOutput struct {
	InstanceProfiles []InstanceProfile   `aws:"InstanceProfiles"`
	IsTruncated      bool                `aws:"IsTruncated"`
	Marker           optional.Of[string] `aws:"Marker"`
}

// listInstanceProfilesForRole implements ListInstanceProfilesForRole.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfilesForRole.html
func (s *Service) listInstanceProfilesForRole() operation.Operation {
	return operation.Use[ListInstanceProfilesForRoleInput, ListInstanceProfilesForRoleOutput, roleTarget, *ListInstanceProfilesForRoleInput]{
		Name:    "ListInstanceProfilesForRole",
		Actions: []string{"iam:ListInstanceProfilesForRole"},
		Subject: func(c *operation.Call, in *ListInstanceProfilesForRoleInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, _ *ListInstanceProfilesForRoleInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListInstanceProfilesForRole"))
		},
		Run: func(c *operation.Call, in *ListInstanceProfilesForRoleInput, t roleTarget) (*ListInstanceProfilesForRoleOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			if _, err := s.after(listOf(c, "ListInstanceProfilesForRole", t.role.ID), in.Marker); err != nil {
				return nil, err
			}
			return &ListInstanceProfilesForRoleOutput{InstanceProfiles: []InstanceProfile{}}, nil
		},
	}.Operation()
}
