package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListUserTagsInput asks for a page of the tags of a user.
type ListUserTagsInput struct {
	UserName optional.Of[string] `aws:"UserName" audit:"userName"`
	Marker   optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListUserTagsInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "userName", in.UserName, nameMax)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListUserTagsOutput is a page of tags, in the order of their keys.
type ListUserTagsOutput struct {
	Tags        []Tag               `aws:"Tags"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listUserTags implements ListUserTags.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserTags.html
func (s *Service) listUserTags() operation.Operation {
	return operation.Use[ListUserTagsInput, ListUserTagsOutput, target, *ListUserTagsInput]{
		Name:    "ListUserTags",
		Actions: []string{"iam:ListUserTags"},
		Subject: func(c *operation.Call, in *ListUserTagsInput) (target, error) {
			return s.named(c, in.UserName.V)
		},
		Asks: func(c *operation.Call, _ *ListUserTagsInput, t target, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListUserTags"))
		},
		Run: func(c *operation.Call, in *ListUserTagsInput, t target) (*ListUserTagsOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			page, next, err := s.tagPage(listOf(c, "ListUserTags", t.user.ID), t.user.Tags, in.Marker, in.MaxItems)
			if err != nil {
				return nil, err
			}
			return &ListUserTagsOutput{Tags: page, IsTruncated: next.Set, Marker: next}, nil
		},
	}.Operation()
}
