package iam

import (
	"fmt"
	"slices"

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

// ListInstanceProfilesForRoleOutput is a page of instance profiles without their
// tags, in the order of their ids.
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
		Run: s.runListInstanceProfilesForRole,
	}.Operation()
}

func (s *Service) runListInstanceProfilesForRole(c *operation.Call, in *ListInstanceProfilesForRoleInput, t roleTarget) (*ListInstanceProfilesForRoleOutput, error) {
	if err := t.exists(); err != nil {
		return nil, err
	}
	l := listOf(c, "ListInstanceProfilesForRole", t.role.ID)
	after, err := s.after(l, in.Marker)
	if err != nil {
		return nil, err
	}
	r, err := c.Reader()
	if err != nil {
		return nil, err
	}
	ids, more := cut(slices.Sorted(slices.Values(t.role.Profiles)), after, in.MaxItems.Or(maxItemsDefault))
	page := make([]*instanceProfile, len(ids))
	for i, id := range ids {
		if page[i], _, err = instanceProfiles.Get(c.Context, r, instanceProfileKey(id)); err != nil {
			return nil, fmt.Errorf("reading instance profile %s: %w", id, err)
		}
		c.RestOn(s.store.Stamp(r, instanceProfileEntity(id)))
	}
	shown, err := s.shownProfiles(c, page)
	if err != nil {
		return nil, err
	}
	out := &ListInstanceProfilesForRoleOutput{InstanceProfiles: shown, IsTruncated: more}
	if more {
		out.Marker = s.marker(l, ids[len(ids)-1])
	}
	return out, nil
}
