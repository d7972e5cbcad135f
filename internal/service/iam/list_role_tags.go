package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListRoleTagsInput asks for a page of the tags of a role.
type ListRoleTagsInput struct {
	RoleName optional.Of[string] `aws:"RoleName" audit:"roleName"`
	Marker   optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListRoleTagsInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "roleName", in.RoleName, roleNameMax)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListRoleTagsOutput is a page of tags, in the order of their keys.
type ListRoleTagsOutput struct {
	Tags        []Tag               `aws:"Tags"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listRoleTags implements ListRoleTags.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoleTags.html
func (s *Service) listRoleTags() operation.Operation {
	return operation.Use[ListRoleTagsInput, ListRoleTagsOutput, roleTarget, *ListRoleTagsInput]{
		Name:    "ListRoleTags",
		Actions: []string{"iam:ListRoleTags"},
		Subject: func(c *operation.Call, in *ListRoleTagsInput) (roleTarget, error) {
			return s.roleNamed(c, in.RoleName.V)
		},
		Asks: func(c *operation.Call, _ *ListRoleTagsInput, t roleTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListRoleTags"))
		},
		Run: func(c *operation.Call, in *ListRoleTagsInput, t roleTarget) (*ListRoleTagsOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			page, next, err := s.tagPage(listOf(c, "ListRoleTags", t.role.ID), t.role.Tags, in.Marker, in.MaxItems)
			if err != nil {
				return nil, err
			}
			return &ListRoleTagsOutput{Tags: page, IsTruncated: next.Set, Marker: next}, nil
		},
	}.Operation()
}
