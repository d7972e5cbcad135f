package iam

import (
	"claviger/internal/kernel/authz"
	"claviger/internal/kernel/operation"
	"claviger/internal/words/check"
	"claviger/internal/words/optional"
)

// ListSAMLProviderTagsInput asks for a page of the tags of a SAML provider.
type ListSAMLProviderTagsInput struct {
	SAMLProviderARN optional.Of[string] `aws:"SAMLProviderArn" audit:"sAMLProviderArn"`
	Marker          optional.Of[string] `aws:"Marker" audit:"marker"`
	MaxItems        optional.Of[int]    `aws:"MaxItems" audit:"maxItems"`
}

// Validate checks the limits of the public API.
func (in *ListSAMLProviderTagsInput) Validate(c *check.Checks) {
	c.HideValues()
	checkProviderARN(c, "sAMLProviderArn", in.SAMLProviderARN)
	checkPage(c, in.Marker, in.MaxItems)
}

// ListSAMLProviderTagsOutput is a page of tags, in the order of their keys.
type ListSAMLProviderTagsOutput struct {
	Tags        []Tag               `aws:"Tags"`
	IsTruncated bool                `aws:"IsTruncated"`
	Marker      optional.Of[string] `aws:"Marker"`
}

// listSAMLProviderTags implements ListSAMLProviderTags.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListSAMLProviderTags.html
func (s *Service) listSAMLProviderTags() operation.Operation {
	return operation.Use[ListSAMLProviderTagsInput, ListSAMLProviderTagsOutput, samlTarget, *ListSAMLProviderTagsInput]{
		Name:    "ListSAMLProviderTags",
		Actions: []string{"iam:ListSAMLProviderTags"},
		Subject: func(c *operation.Call, in *ListSAMLProviderTagsInput) (samlTarget, error) {
			return s.samlProviderNamed(c, in.SAMLProviderARN.V)
		},
		Asks: func(c *operation.Call, _ *ListSAMLProviderTagsInput, t samlTarget, asks []authz.Ask) []authz.Ask {
			return append(asks, t.ask(c, "iam:ListSAMLProviderTags", &facts{}))
		},
		Run: func(c *operation.Call, in *ListSAMLProviderTagsInput, t samlTarget) (*ListSAMLProviderTagsOutput, error) {
			if err := t.exists(); err != nil {
				return nil, err
			}
			page, next, err := s.tagPage(listOf(c, "ListSAMLProviderTags", t.provider.ID), t.provider.Tags, in.Marker, in.MaxItems)
			if err != nil {
				return nil, err
			}
			return &ListSAMLProviderTagsOutput{Tags: page, IsTruncated: next.Set, Marker: next}, nil
		},
	}.Operation()
}
