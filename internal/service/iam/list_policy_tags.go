package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListPolicyTagsInput asks for a page of the tags of a managed policy.
type ListPolicyTagsInput struct {
	PolicyARN optional.Of[string] `aws:"PolicyArn" audit:"policyArn"`
	Marker    optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems  optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListPolicyTagsInput) Validate(c *check.Checks) {
	c.HideValues()
	checkPolicyARN(c, in.PolicyARN)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListPolicyTagsOutput is a page of tags, in the order of their keys.
type ListPolicyTagsOutput struct {
	Tags        []Tag               `aws:"Tags"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listPolicyTags implements ListPolicyTags.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicyTags.html
func (s *Service) listPolicyTags() operation.Operation {
	return operation.Use[ListPolicyTagsInput, ListPolicyTagsOutput, policyTarget, *ListPolicyTagsInput]{
		Name:    "ListPolicyTags",
		Actions: []string{"iam:ListPolicyTags"},
		Subject: func(c *operation.Call, in *ListPolicyTagsInput) (policyTarget, error) {
			return s.policyNamed(c, in.PolicyARN.V)
		},
		Asks: func(c *operation.Call, _ *ListPolicyTagsInput, t policyTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.askRead(c, "iam:ListPolicyTags"))
		},
		Run: func(c *operation.Call, in *ListPolicyTagsInput, t policyTarget) (*ListPolicyTagsOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			page, next, err := s.tagPage(listOf(c, "ListPolicyTags", t.policy.ID), t.policy.Tags, in.Marker, in.MaxItems)
			if err != nil {
				return nil, err
			}
			return &ListPolicyTagsOutput{Tags: page, IsTruncated: next.Set, Marker: next}, nil
		},
	}.Operation()
}
