package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListInstanceProfileTagsInput asks for a page of the tags of an instance profile.
type ListInstanceProfileTagsInput struct {
	InstanceProfileName optional.Of[string] `aws:"InstanceProfileName" audit:"instanceProfileName"`
	Marker              optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems            optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListInstanceProfileTagsInput) Validate(c *check.Checks) {
	c.HideValues()
	checkRequiredName(c, "instanceProfileName", in.InstanceProfileName, nameMax)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListInstanceProfileTagsOutput is a page of tags, in the order of their keys.
type ListInstanceProfileTagsOutput struct {
	Tags        []Tag               `aws:"Tags"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listInstanceProfileTags implements ListInstanceProfileTags.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfileTags.html
func (s *Service) listInstanceProfileTags() operation.Operation {
	return operation.Use[ListInstanceProfileTagsInput, ListInstanceProfileTagsOutput, profileTarget, *ListInstanceProfileTagsInput]{
		Name:    "ListInstanceProfileTags",
		Actions: []string{"iam:ListInstanceProfileTags"},
		Subject: func(c *operation.Call, in *ListInstanceProfileTagsInput) (profileTarget, error) {
			return s.profileNamed(c, in.InstanceProfileName.V)
		},
		Asks: func(c *operation.Call, _ *ListInstanceProfileTagsInput, t profileTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListInstanceProfileTags", &facts{}))
		},
		Run: func(c *operation.Call, in *ListInstanceProfileTagsInput, t profileTarget) (*ListInstanceProfileTagsOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			page, next, err := s.tagPage(listOf(c, "ListInstanceProfileTags", t.profile.ID), t.profile.Tags, in.Marker, in.MaxItems)
			if err != nil {
				return nil, err
			}
			return &ListInstanceProfileTagsOutput{Tags: page, IsTruncated: next.Set, Marker: next}, nil
		},
	}.Operation()
}
